"""Desired × Observed → problems: which workloads do not run, or say they are unwell."""

from __future__ import annotations

from collections.abc import Iterator

from mastic.errors import Place, Problem
from mastic.model.desired import Desired, PlacedWorkload
from mastic.model.observed import Observed, ObservedWorkload


def workload_problems(desired: Desired, observed: Observed) -> list[Problem]:
    """Every host that does not answer and every workload that does not run and serve."""
    return [*unreachable(observed), *unwell(desired, observed)]


def unreachable(observed: Observed) -> Iterator[Problem]:
    """Hosts that could not be read."""
    for host, why in sorted(observed.unreachable.items()):
        yield Problem(f"host `{host}` does not answer: {why}", Place(host), "check the connection, then run again")


def unwell(desired: Desired, observed: Observed) -> Iterator[Problem]:
    """Workloads on answering hosts that are missing, stopped, or unhealthy."""
    for workload in desired.workloads:
        host = observed.hosts.get(workload.host)
        if host is None:
            continue
        if why := complaint(host.workloads.get(workload.name)):
            yield problem(workload, why)


def complaint(seen: ObservedWorkload | None) -> str | None:
    """What is wrong with a container; None when it runs and its health check does not fail."""
    if seen is None:
        return "has no container"
    if seen.state != "running":
        code = "" if seen.exit_code is None else f" with exit code {seen.exit_code}"
        return f"is {seen.state}{code}"
    return "runs but its health check fails" if seen.healthy is False else None


def problem(workload: PlacedWorkload, why: str) -> Problem:
    """Say it, with the way to its log."""
    return Problem(
        f"`{workload.name}` {why}",
        Place(workload.id),
        f"`mastic logs {workload.name}` tells why; `mastic apply` starts what is missing",
    )
