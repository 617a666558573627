"""What of a volume's restore or move a cut-off run left (records, disk → what is true meanwhile); changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mastic.agent.engine import Volume
from mastic.agent.records import MOVES, RESTORE, Records
from mastic.agent.tree import OURS

NEW, IN, OLD = f"{OURS}new", f"{OURS}in", f"{OURS}old"
"""In the root of a volume: unpacked and not in force; on its way into place; content of before."""


def roots_of(records: Records) -> list[Path]:
    """Roots of the volumes that are being restored, those that are still there."""
    return [path for root in records.read(RESTORE).get("roots", {}).values() if (path := Path(root)).exists()]


def is_under_way(records: Records) -> bool:
    """Whether an exchange began: every volume's new content had been compared before."""
    return any((root / mark).exists() for root in roots_of(records) for mark in (OLD, IN))


def stamps_in_force(jobs: dict[str, Any], records: Records) -> dict[str, Any]:
    """The stamps of jobs that go with the content which is, or is being put, in place."""
    if not is_under_way(records):
        return jobs
    told = records.read(RESTORE)["jobs"]
    return {**{name: stamp for name, stamp in jobs.items() if name not in told["forget"]}, **told["stamps"]}


def with_moving(volumes: dict[str, Volume], records: Records) -> dict[str, Volume]:
    """The volumes, and those that are copied and only have to be made anew: nothing else may be made in their place."""
    moving = {
        name: Volume(name, record["made"], record["labels"], record["path"], record["path"])
        for name, record in records.read(MOVES).items()
        if record["copied"]
    }
    return {**moving, **volumes}
