"""Volumes → the table of `mastic volume list`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mastic.report.history_text import size
from mastic.report.progress import columns

HEADER = ("VOLUME", "HOST", "SERVICE", "SIZE", "KEPT", "USED BY", "PLACE")


@dataclass(frozen=True)
class VolumeRow:
    """One volume on one host."""

    name: str
    host: str
    service: str
    size: int
    """Bytes on the disk."""
    kept: bool
    """Holds data: goes only when its loss is allowed."""
    path: str
    """Folder of the operator's choice; empty for the engine's own place."""
    used_by: tuple[str, ...]
    """Containers."""


def volumes_text(rows: Sequence[VolumeRow]) -> str:
    """The table."""
    if not rows:
        return "no volumes"
    lines = [
        (
            row.name,
            row.host,
            row.service or "-",
            size(row.size),
            "yes" if row.kept else "no",
            ", ".join(row.used_by) or "-",
            row.path or "the engine's",
        )
        for row in sorted(rows, key=lambda row: (row.service, row.name, row.host))
    ]
    return "\n".join(columns([HEADER, *lines], indent=""))


def volume_objects(rows: Sequence[VolumeRow]) -> dict[str, Any]:
    """The same for programs."""
    return {"volumes": [asdict(row) for row in rows]}
