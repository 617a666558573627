"""Journal of one run on disk, written as it goes: what was planned, what happened; survives a crash."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mastic.model.plan import Plan
from mastic.model.run import Event

PLAN = "plan.json"
EVENTS = "events.jsonl"
COMMITTED = "committed"


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


def write_durably(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON so that after a crash the file is there whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, sort_keys=True, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def start(folder: Path, plan: Plan, command: str) -> None:
    """Open the journal of a run."""
    write_durably(folder / PLAN, {"command": command, **asdict(plan)})


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


def unfinished(folder: Path) -> Unfinished | None:
    """What a run left undone; None when it was committed or never really began."""
    if (folder / COMMITTED).exists() or not (folder / PLAN).exists():
        return None
    plan = json.loads((folder / PLAN).read_text("utf-8"))
    last = {event["id"]: event for event in _events(folder) if event["kind"] == "step"}
    done = [id for id, event in last.items() if event["state"] == "done"]
    failed = {id: str(event["message"]) for id, event in last.items() if event["state"] == "failed"}
    rest = [step["id"] for step in plan["steps"] if step["id"] not in failed and step["id"] not in done]
    return Unfinished(folder.name, plan["command"], tuple(done), failed, tuple(rest))


def _events(folder: Path) -> list[dict[str, Any]]:
    path = folder / EVENTS
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]  # a line cut off by a crash does not count
