"""Events of a run → a timeline in text: what ran when, as bars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

WAITING = "pull:"
"""Steps that only wait for an image; the image has a row of its own."""


@dataclass(frozen=True, order=True)
class Span:
    """One image, step, check or phase, in seconds since the run began."""

    start: float
    end: float
    kind: str
    id: str
    failed: bool = False

    @property
    def seconds(self) -> float:
        return self.end - self.start


def spans(events: Iterable[dict[str, Any]]) -> list[Span]:
    """Everything that ended, in the order in which it started; times count from the first event."""
    timed = [event for event in events if event.get("at")]
    if not timed:
        return []
    zero = min(event["at"] - event.get("seconds", 0.0) for event in timed)
    ended = (event for event in timed if event["state"] in ("done", "failed"))
    return sorted(span(event, zero) for event in ended)


def span(event: dict[str, Any], zero: float) -> Span:
    """The time an event's subject took; `at` is when it ended."""
    end = event["at"] - zero
    return Span(end - event["seconds"], end, event["kind"], event["id"], event["state"] == "failed")


def gantt(found: list[Span], at_least: float = 0.3, width: int = 60) -> str:
    """One line per span with a bar; shorter spans are counted, not shown."""
    work = [span for span in found if span.kind != "phase" and not span.id.startswith(WAITING)]
    shown = [span for span in work if span.seconds >= at_least]
    if not shown:
        return "nothing took long enough to be shown"
    total = max(span.end for span in shown)
    names = max(len(label(span)) for span in shown)
    lines = [line(span, total, names, width) for span in shown]
    hidden = len(work) - len(shown)
    return "\n".join([*lines, f"({hidden} shorter than {at_least} s)"] if hidden else lines)


def label(span: Span) -> str:
    """What a row is called."""
    return span.id if span.kind == "step" else f"{span.kind} {span.id}"


def line(span: Span, total: float, names: int, width: int) -> str:
    """One row: name, from, to, bar."""
    first = round(span.start / total * width)
    length = max(1, round(span.seconds / total * width))
    bar = " " * first + ("!" if span.failed else "#") * length
    return f"{label(span):{names}}  {span.start:6.1f} -{span.end:6.1f}  {bar}"


def phases(events: Iterable[dict[str, Any]]) -> str:
    """How long each phase of the command took."""
    ended = [event for event in events if event["kind"] == "phase" and event["state"] in ("done", "failed")]
    return "\n".join(f"{event['id']:20} {event['seconds']:8.1f} s" for event in ended)
