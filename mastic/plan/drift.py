"""Desired of the last generation × Observed → what somebody or something changed since; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mastic.model.desired import Desired
from mastic.model.goal import Goal
from mastic.model.observed import Observed
from mastic.model.plan import Step
from mastic.plan.difference import UNDONE
from mastic.plan.reconcile import reconcile

GONE = "not there yet"


@dataclass(frozen=True, order=True)
class Drift:
    """One thing that is no longer as it was left."""

    host: str
    resource: str
    """Name of a workload, job or volume, without its host."""
    what: str
    service: str = ""


def drifts(desired: Desired, observed: Observed) -> tuple[Drift, ...]:
    """Everything that differs, each thing once; what has not been made because of another's absence follows it."""
    found = {(drift.host, drift.resource): drift for drift in _all(desired, observed)}
    return tuple(sorted(found.values()))


def _all(desired: Desired, observed: Observed) -> Iterator[Drift]:
    """A later one of the same resource replaces the earlier: what happens to a process says more than its files."""
    for host, why in observed.unreachable.items():
        yield Drift(host, "host", f"does not answer: {why}")
    for workload in desired.workloads:
        seen = observed.hosts[workload.host].workloads.get(workload.name) if workload.host in observed.hosts else None
        if seen and seen.state == "running" and seen.healthy is False:
            yield Drift(workload.host, workload.name, "its health check fails", workload.service)
    for step in reconcile(desired, observed, Goal()).steps:
        yield _of_step(step, observed)


def _of_step(step: Step, observed: Observed) -> Drift:
    name = step.resource.rpartition("@")[0]
    return Drift(step.host, name, _words(step, name, observed), step.group)


WORDS = {"pull": "the image is gone", "volume": "the volume is gone", "move": "the volume lies elsewhere"}


def _words(step: Step, name: str, observed: Observed) -> str:
    if step.verb in WORDS:
        return WORDS[step.verb]
    if step.verb == "remove":
        return "is there and was not made by the last generation"
    if step.verb == "run":
        return _of_job(step.cause)
    foreign = observed.hosts[step.host].foreign_containers
    if step.cause == GONE and step.verb == "start" and step.detail.get("container") in foreign:
        return "another container has taken its name"
    return "gone" if step.cause == GONE else step.cause


def _of_job(cause: str) -> str:
    if cause.startswith(UNDONE):
        return cause
    return "its record is gone" if cause == "not run yet" else f"would run again: {cause}"
