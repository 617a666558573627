"""Journal of one run on disk, written as it goes: what was wanted, planned and done; survives a crash."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mastic.history.store import write_durably, write_intent
from mastic.model.generation import Intent
from mastic.model.plan import Plan
from mastic.model.run import Event

PLAN = "plan.json"
EVENTS = "events.jsonl"
COMMITTED = "committed"
INTENT = "intent.json.gz"


@dataclass(frozen=True)
class Unfinished:
    """The last run, when it did not come to its end."""

    id: str
    command: str
    done: tuple[str, ...]
    """Ids of steps that ran."""
    failed: dict[str, str]
    """Step id → message."""
    open: tuple[str, ...]
    """Ids of steps that did not run, or were at work when the run broke off."""


def start(folder: Path, intent: Intent, plan: Plan, history: Path) -> None:
    """Open the journal of a run; the plan comes last, so that a run with a plan is whole."""
    write_intent(folder / INTENT, intent, history)
    write_durably(folder / PLAN, {"command": intent.command, **asdict(plan)})


def append(folder: Path, event: Event) -> None:
    """Add an event; what ends something is on disk when this returns."""
    line = json.dumps(asdict(event), ensure_ascii=False) + "\n"
    with (folder / EVENTS).open("a", encoding="utf-8") as file:
        file.write(line)
        if event.state in ("done", "failed"):
            file.flush()
            os.fsync(file.fileno())


def finish(folder: Path, generation: int | None) -> None:
    """Close the journal: the run did all it should."""
    write_durably(folder / COMMITTED, {"generation": generation})


def is_committed(folder: Path) -> bool:
    return (folder / COMMITTED).exists()


def unfinished(folder: Path) -> Unfinished | None:
    """What a run left undone; None when it was committed or never really began."""
    if is_committed(folder) or not (folder / PLAN).exists():
        return None
    plan = json.loads((folder / PLAN).read_text("utf-8"))
    last = {event["id"]: event for event in events(folder) if event["kind"] == "step"}
    done = [id for id, event in last.items() if event["state"] == "done"]
    failed = {id: str(event["message"]) for id, event in last.items() if event["state"] == "failed"}
    rest = [step["id"] for step in plan["steps"] if step["id"] not in failed and step["id"] not in done]
    return Unfinished(folder.name, plan["command"], tuple(done), failed, tuple(rest))


def events(folder: Path) -> list[dict[str, Any]]:
    """Everything that was told, as far as it reached the disk."""
    path = folder / EVENTS
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    return [event for line in lines if line.endswith("\n") and (event := _event(line))]


def _event(line: str) -> dict[str, Any] | None:
    """None for a line that a full disk or a crash cut off, even when another was added to it."""
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return event


def durations(folder: Path) -> Iterator[tuple[str, float]]:
    """(`step` or `image`, id) as one word, and the seconds it took, for everything that was done."""
    for event in events(folder):
        if event["state"] == "done" and event["kind"] in ("step", "image"):
            yield f"{event['kind']} {event['id']}", float(event["seconds"])


def seconds(folder: Path) -> float:
    """From the first event that has a time to the last."""
    times = [float(event["at"]) for event in events(folder) if event["at"]]
    return round(max(times) - min(times), 3) if times else 0.0
