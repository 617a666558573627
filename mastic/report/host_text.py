"""Hosts → the table of `mastic hosts check`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mastic.report.history_text import size
from mastic.report.progress import columns

HEADER = ("HOST", "ADDRESS", "GROUPS", "SYSTEM", "ENGINE", "PYTHON", "CPUS", "MEMORY", "DISK FREE", "MTU", "CLOCK")


@dataclass(frozen=True)
class HostRow:
    """One machine that answered."""

    name: str
    address: str
    groups: tuple[str, ...]
    system: str
    engine: str | None
    python: str
    cpus: int
    memory: int
    """Bytes."""
    disk_free: int
    """Bytes, where the engine keeps its data."""
    mtu: int | None
    skew: float
    """Seconds ahead of this machine's clock."""


def hosts_text(rows: Sequence[HostRow]) -> str:
    """The table."""
    return "\n".join(columns([HEADER, *(_line(row) for row in rows)])) if rows else "no host answers"


def _line(row: HostRow) -> tuple[str, ...]:
    return (
        row.name,
        row.address,
        ",".join(row.groups),
        row.system,
        row.engine or "-",
        row.python,
        str(row.cpus),
        size(row.memory),
        size(row.disk_free),
        str(row.mtu or "-"),
        f"{row.skew:+.1f} s",
    )


def host_objects(rows: Sequence[HostRow]) -> list[dict[str, Any]]:
    return [asdict(row) for row in rows]
