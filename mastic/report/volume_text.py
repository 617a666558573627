"""Volumes → the table of `mastic volume list`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mastic.report.history_text import size
from mastic.report.progress import columns

if TYPE_CHECKING:
    from mastic.volumes import VolumeRow

HEADER = ("VOLUME", "HOST", "SERVICE", "SIZE", "KEPT", "USED BY", "PLACE")


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
