"""Desired × Observed × Goal → Plan: the steps that lead from what is to what should be; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mastic.model.desired import Desired, DesiredVolume, PlacedJob, PlacedWorkload
from mastic.model.goal import Goal
from mastic.model.observed import Observed, ObservedHost
from mastic.model.plan import Plan, Step
from mastic.plan.beside import moves
from mastic.plan.departure import departure_steps, discards, staying, volume_removals
from mastic.plan.difference import Difference, change_of, is_edited, run_of, write_of
from mastic.plan.moving import come_again, moving
from mastic.plan.order import Resource, resources_in_order, without_detours
from mastic.plan.succession import told


def reconcile(desired: Desired, observed: Observed, goal: Goal) -> Plan:
    """Every step that is needed and no other, each with its cause; the same input gives the same plan.

    Hosts that did not answer get no step. Steps stand in an order in which they could run one by one.
    """
    leaving = departure_steps(desired, observed, goal)
    moved = moving(desired, observed, goal, leaving)
    arrival = _Arrival(desired, moved.observed, goal, leaving, moved.ids)
    if not goal.destroy:
        for resource in resources_in_order(desired):
            arrival.add(resource)
        arrival.add_remaining_volumes()
    leaving, arrived = told(desired, leaving, [come_again(step, moved) for step in arrival.steps.values()])
    steps = [*leaving, *moved.steps, *arrived]
    steps += discards(desired, observed, goal, steps)
    steps += volume_removals(desired, observed, goal, steps)
    stays = staying(desired, observed, goal)
    return Plan(desired.cloud, without_detours(steps), tuple(arrival.images), stays=stays)


@dataclass
class _Arrival:
    """Collects the steps towards the desired state, resource by resource, providers first."""

    desired: Desired
    observed: Observed
    goal: Goal
    leaving: list[Step]
    moving: dict[str, str] = field(default_factory=dict)
    """Volume → the step that brings it to another place."""
    steps: dict[str, Step] = field(default_factory=dict)
    images: dict[str, None] = field(default_factory=dict)
    barriers: dict[str, frozenset[str]] = field(default_factory=dict)
    """Resource → the steps that a consumer of it has to wait for, also through resources that do not change."""

    turns: dict[str, str] = field(default_factory=dict)
    """Workload that is changed on one host after the other → the last step of its change so far."""

    def __post_init__(self) -> None:
        self.missing = {volume.id: volume for volume in self.desired.volumes if self._is_missing(volume)}

    def add(self, resource: Resource) -> None:
        """Add the steps of one resource; everything it needs has been added before."""
        host = self.observed.hosts.get(resource.host)
        needs_first = resource.needs if host is None else needs_of(resource, host)
        providers = frozenset[str]().union(*(self.barriers.get(need, frozenset()) for need in needs_first))
        if host is None or not self._is_wanted(resource.service):
            self.barriers[resource.id] = providers
            return
        if isinstance(resource, PlacedWorkload) and resource.slots:
            self.barriers[resource.id] = self._add_slotted(resource, host, providers)
            return
        write = self._add_write(resource, host)
        difference = self._difference(resource, host)
        if difference is None:
            self.barriers[resource.id] = providers | write
            return
        needs = providers | write | self._add_preparation(resource, difference, host)
        step = self._add_step(resource, difference, needs | self._turn_before(resource, difference))
        if _is_member(resource):
            self.turns[resource.name] = step
        self.barriers[resource.id] = frozenset({step})

    def _turn_before(self, resource: Resource, difference: Difference) -> frozenset[str]:
        """A first start waits for nobody: the members of a cluster may need each other for it."""
        if not isinstance(resource, PlacedWorkload) or difference.verb == "start":
            return frozenset()
        return frozenset({self.turns[resource.name]}) if resource.name in self.turns else frozenset()

    def _add_slotted(self, workload: PlacedWorkload, host: ObservedHost, providers: frozenset[str]) -> frozenset[str]:
        """Every step waits for the one before it: at most two containers of the workload stand at any time."""
        own = frozenset[str]()
        for move in moves(workload, self.observed, self.desired.secret_versions):
            needs = own
            if move.difference.verb != "write":
                needs |= providers | self._add_preparation(workload, move.difference, host)
            own = frozenset({self._add_step(workload, move.difference, needs, move.detail, move.at)})
        return own | providers

    def add_remaining_volumes(self) -> None:
        """Volumes that no changing resource mounts."""
        for volume in self.missing.values():
            if self._is_wanted(volume.service):
                self._add_volume(volume)

    def _is_missing(self, volume: DesiredVolume) -> bool:
        host = self.observed.hosts.get(volume.host)
        return host is not None and volume.name not in host.volumes

    def _is_wanted(self, service: str) -> bool:
        return not self.goal.only or service in self.goal.only

    def _difference(self, resource: Resource, host: ObservedHost) -> Difference | None:
        versions = self.desired.secret_versions
        if isinstance(resource, PlacedWorkload):
            return change_of(resource, host, versions, host.workloads.get(resource.name))
        coming = frozenset(volume.name for volume in self.missing.values() if volume.host == resource.host)
        return run_of(resource, host, coming, versions)

    def _add_write(self, resource: Resource, host: ObservedHost) -> frozenset[str]:
        """A job's files are written only when it runs: between runs nothing of it stays on the host."""
        if isinstance(resource, PlacedJob) and self._difference(resource, host) is None:
            return frozenset()
        write = write_of(resource, host, self.desired.secret_versions)
        if write is None:
            return frozenset()
        voids = isinstance(resource, PlacedWorkload) and is_edited(resource, host)
        detail = {"void_in_force": True} if voids else {}
        return frozenset({self._add_step(resource, write, (), detail)})

    def _add_preparation(self, resource: Resource, difference: Difference, host: ObservedHost) -> frozenset[str]:
        """Image, volumes, and room on the host: a new container may listen where a leaving one still does."""
        if difference.verb in ("bind", "remove"):
            return frozenset()
        ids = {self._add_volume(volume) for volume in self._volumes_of(resource)}
        ids |= {id for name in volumes_of(resource) if (id := self.moving.get(f"{name}@{resource.host}"))}
        reference = str(resource.spec["image"])
        if difference.verb in ("start", "replace", "run") and reference not in host.images:
            self.images[resource.image] = None
            ids.add(self._add_pull(reference, resource))
        if difference.verb == "start" and isinstance(resource, PlacedWorkload) and resource.name not in host.workloads:
            ids.update(step.id for step in self.leaving if step.host == resource.host)
        return frozenset(ids)

    def _changes_data(self, resource: Resource) -> bool:
        """A job works on data that was there before this plan; nobody but its author could undo it."""
        if not isinstance(resource, PlacedJob):
            return False
        return any(name in self.observed.hosts[resource.host].volumes for name in resource.data)

    def _volumes_of(self, resource: Resource) -> list[DesiredVolume]:
        return [self.missing[id] for name in volumes_of(resource) if (id := f"{name}@{resource.host}") in self.missing]

    def _add_volume(self, volume: DesiredVolume) -> str:
        id = f"volume:{volume.id}"
        detail = {"name": volume.name, "keep": volume.keep}
        step = Step(id, "volume", volume.id, volume.host, "not there yet", group=volume.service, detail=detail)
        return self.steps.setdefault(id, step).id

    def _add_pull(self, reference: str, resource: Resource) -> str:
        target = f"{reference}@{resource.host}"
        detail = {"image": reference}
        step = Step(
            f"pull:{target}", "pull", target, resource.host, "not there yet", group=resource.service, detail=detail
        )
        return self.steps.setdefault(step.id, step).id

    def _add_step(
        self,
        resource: Resource,
        difference: Difference,
        needs: Iterable[str],
        detail: dict[str, Any] | None = None,
        at: tuple[str, str] = ("", ""),
    ) -> str:
        """`at` is an id and a host that are not simply the resource's own."""
        step = Step(
            at[0] or f"{difference.verb}:{resource.id}",
            difference.verb,
            resource.id,
            at[1] or resource.host,
            difference.cause,
            needs=tuple(needs),
            group=resource.service,
            impact=difference.impact,
            reversible=not (difference.verb == "run" and self._changes_data(resource)),
            detail={"container": resource.container, **(detail or {})},
            together=resource.name if difference.verb == "start" and _is_member(resource) else "",
        )
        self.steps[step.id] = step
        return step.id


def _is_member(resource: Resource) -> bool:
    """Of processes that form a cluster: they come up together, and are changed one after the other."""
    return isinstance(resource, PlacedWorkload) and resource.one_by_one


def needs_of(resource: Resource, host: ObservedHost) -> tuple[str, ...]:
    """What a resource waits for: one that is there already must not be moved to an account that is still to be made."""
    is_there = isinstance(resource, PlacedWorkload) and resource.name in {**host.workloads, **host.beside}
    return (
        (*resource.needs, *resource.accounts) if isinstance(resource, PlacedWorkload) and is_there else resource.needs
    )


def volumes_of(resource: Resource) -> tuple[str, ...]:
    """Names of the volumes a resource works with on its host."""
    if isinstance(resource, PlacedWorkload):
        return resource.volumes
    mounted = [str(mount["source"]) for mount in resource.spec.get("mounts", ()) if mount.get("type") == "volume"]
    return tuple(dict.fromkeys((*mounted, *resource.data)))
