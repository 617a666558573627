"""Progress: what runs, what is done and how long each phase took, counted from events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mastic.model.desired import Desired
from mastic.model.plan import Plan
from mastic.model.run import Event

WAITING_VERBS = ("pull:",)
"""Steps that mostly wait for something else, which is named too."""
NAMED_AT_ONCE = 4


@dataclass
class Progress:
    """The state of a command, kept up to date by `note`; the caller holds a lock when threads share it."""

    steps: int = 0
    desired: Desired | None = None
    running: dict[tuple[str, str], float] = field(default_factory=dict)
    """(kind, id) → clock when it started, seconds."""
    done: list[Event] = field(default_factory=list)
    failed: list[Event] = field(default_factory=list)
    phases: list[tuple[str, float]] = field(default_factory=list)
    """(name, seconds) in the order in which they ended."""

    def expect(self, plan: Plan, desired: Desired) -> None:
        """Note how much there is to do."""
        self.steps, self.desired = len(plan.steps), desired

    def note(self, event: Event, clock: float) -> None:
        """Count an event that happened at `clock` seconds."""
        key = (event.kind, event.id)
        if event.state in ("started", "progress"):
            self.running.setdefault(key, clock)
            return
        self.running.pop(key, None)
        if event.kind == "phase":
            self.phases.append((event.id, event.seconds))
        elif event.state == "done":
            self.done.append(event)
        elif event.state == "failed":
            self.failed.append(event)

    @property
    def steps_done(self) -> int:
        return sum(event.kind == "step" for event in self.done)

    def running_now(self) -> list[tuple[str, float]]:
        """(what, clock when it started), the most telling first; phases only when nothing else runs."""
        running = list(self.running.items())
        chosen = [(key, began) for key, began in running if key[0] != "phase"] or running
        chosen.sort(key=lambda item: (item[0][1].startswith(WAITING_VERBS), item[1]))
        return [(title(kind, id), began) for (kind, id), began in chosen]

    def sentence(self, clock: float) -> str:
        """Name what runs, for a progress line: `start:nova-api@lab (12 s), image nova-api (30 s)`."""
        running = self.running_now()
        named = [f"{what} ({clock - began:.0f} s)" for what, began in running[:NAMED_AT_ONCE]]
        if len(running) > NAMED_AT_ONCE:
            named.append(f"and {len(running) - NAMED_AT_ONCE} more")
        return ", ".join(named)


def title(kind: str, id: str) -> str:
    """What a line calls a step (its id), an image, a phase or a check."""
    return id if kind == "step" else f"{kind} {id}"


def duration(seconds: float) -> str:
    """`0.4 s`, `12.3 s`, `2 min 05 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def about(seconds: float) -> str:
    """`1 s`, `40 s`, `3 min`: no more digits than an estimate deserves."""
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


def amount(number: int, noun: str) -> str:
    """`1 step`, `14 steps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def columns(rows: Iterable[tuple[str, ...]], indent: str = "  ") -> list[str]:
    """Align rows of text in columns; trailing blanks are cut."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)] if table else []
    return [
        (indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in table
    ]
