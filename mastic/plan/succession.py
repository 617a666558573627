"""Steps by which something leaves × steps by which something comes → told where one is the other, moved or renamed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mastic.model.desired import Desired, PlacedWorkload
from mastic.model.plan import Step

NEW = "not there yet"


def told(desired: Desired, leaving: Sequence[Step], coming: Sequence[Step]) -> tuple[list[Step], list[Step]]:
    """The same steps; the cause of a pair names the other one."""
    causes: dict[str, str] = {}
    started = [desired.workload(step.resource) for step in coming if step.verb == "start" and step.cause == NEW]
    new = [workload for workload in started if workload]
    past = {workload.id: workload for workload in desired.departed.workloads}
    for step in leaving:
        if step.verb != "remove" or step.resource in causes:
            continue
        successor = _successor(step, past.get(step.resource), [each for each in new if each.id not in causes])
        if successor:
            causes |= _pair(step, successor, _kept(desired, past.get(step.resource)))
    return _with(causes, leaving), _with(causes, coming)


def _pair(step: Step, successor: PlacedWorkload, stays: str) -> dict[str, str]:
    name, _, host = step.resource.rpartition("@")
    if successor.name == name:
        return {step.resource: f"moves to {successor.host}{stays}", successor.id: f"moves from {host}"}
    return {step.resource: f"renamed to {successor.name}", successor.id: f"renamed from {name}"}


def _successor(step: Step, old: PlacedWorkload | None, new: Iterable[PlacedWorkload]) -> PlacedWorkload | None:
    """The same workload on another host, else one on this host that listens or keeps data where the old one did."""
    candidates = list(new)
    name = step.resource.rpartition("@")[0]
    moved = next((each for each in candidates if each.name == name and each.host != step.host), None)
    if moved or old is None:
        return moved
    return next((each for each in candidates if each.host == step.host and _takes_place(old, each)), None)


def _takes_place(old: PlacedWorkload, new: PlacedWorkload) -> bool:
    return bool(set(old.listens) & set(new.listens) or set(old.volumes) & set(new.volumes))


def _kept(desired: Desired, old: PlacedWorkload | None) -> str:
    """Data does not move to another host by itself."""
    if old is None:
        return ""
    kept = {volume.name for volume in desired.volumes if volume.keep}
    names = [name for name in old.volumes if name in kept]
    return f"; volume {', '.join(names)} stays on {old.host}" if names else ""


def _with(causes: dict[str, str], steps: Iterable[Step]) -> list[Step]:
    verbs = ("remove", "start", "write")
    return [
        replace(step, cause=causes[step.resource]) if step.resource in causes and step.verb in verbs else step
        for step in steps
    ]
