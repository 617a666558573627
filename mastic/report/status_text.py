"""Desired × Observed → the table of `mastic status`: what runs, since when, and why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from mastic.model.desired import Desired, PlacedWorkload
from mastic.model.observed import Observed, ObservedWorkload
from mastic.report.progress import columns

HEADER = ("WORKLOAD", "HOST", "STATE", "HEALTH", "SINCE", "IMAGE", "WHY NOT")


@dataclass(frozen=True)
class StatusRow:
    """One workload on one host."""

    workload: str
    host: str
    service: str
    state: str
    health: str
    since: str
    image: str
    why_not: str


def status_rows(desired: Desired, observed: Observed) -> list[StatusRow]:
    """Every workload that is wanted or there."""
    rows = [wanted_row(workload, observed) for workload in desired.workloads]
    wanted = {(workload.name, workload.host) for workload in desired.workloads}
    for host in observed.hosts.values():
        for found in host.workloads.values():
            if (found.name, found.host) not in wanted:
                rows.append(row_of(found, "not in the cloud definition: `mastic apply` removes it"))
    return sorted(rows, key=lambda row: (row.service, row.workload, row.host))


def wanted_row(workload: PlacedWorkload, observed: Observed) -> StatusRow:
    """The row of a workload of the definition."""
    if workload.host in observed.unreachable:
        why = f"host does not answer: {observed.unreachable[workload.host]}"
        return absent_row(workload, "unknown", why)
    host = observed.hosts.get(workload.host)
    found = host.workloads.get(workload.name) if host else None
    if not found:
        return absent_row(workload, "absent", "not there yet: `mastic apply` starts it")
    return row_of(found, why_not(found, str(workload.spec.get("image", found.image))))


def absent_row(workload: PlacedWorkload, state: str, why: str) -> StatusRow:
    """The row of a workload without a container."""
    return StatusRow(workload.name, workload.host, workload.service, state, "-", "-", "-", why)


def row_of(found: ObservedWorkload, why: str) -> StatusRow:
    """The row of a container."""
    health = {True: "healthy", False: "unhealthy", None: "-"}[found.healthy]
    since = found.started_at[:19].replace("T", " ") or "-"
    return StatusRow(found.name, found.host, found.service, found.state, health, since, short(found.image), why)


def short(image: str) -> str:
    """`mastic/glance-api:3f2a1b` from a full reference."""
    name, _, tag = image.rpartition(":")
    return f"{name.rpartition('/')[2]}:{tag[:8]}" if name else image[:20]


def why_not(found: ObservedWorkload, image: str) -> str:
    """Why a workload does not serve as wanted; empty when it does."""
    if found.state != "running":
        code = "" if found.exit_code is None else f" with code {found.exit_code}"
        return f"{found.state}{code}: `mastic logs {found.name} --host {found.host}`"
    if found.healthy is False:
        return f"its health check fails: `mastic logs {found.name} --host {found.host}`"
    return "" if found.image == image else "runs another image than wanted: `mastic plan`"


def status_text(rows: Iterable[StatusRow]) -> str:
    """The table, without colour."""
    cells = [(row.workload, row.host, row.state, row.health, row.since, row.image, row.why_not) for row in rows]
    return "\n".join(columns([HEADER, *cells], indent=""))


def status_objects(rows: Iterable[StatusRow]) -> list[dict[str, Any]]:
    """The table for programs."""
    return [asdict(row) for row in rows]
