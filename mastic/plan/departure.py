"""Steps by which what is no longer wanted leaves its hosts, consumers first: removal jobs, containers, volumes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mastic.model.desired import Desired, PlacedJob
from mastic.model.goal import Goal
from mastic.model.observed import Observed, ObservedHost, ObservedWorkload
from mastic.model.plan import Step
from mastic.plan.difference import Difference, write_of
from mastic.plan.order import Resource, in_order, resources_in_order

UNWANTED = "no longer wanted"


def departure_steps(desired: Desired, observed: Observed, goal: Goal) -> list[Step]:
    """Removal of containers that are no longer wanted, after the removal jobs of services that leave a host.

    A service leaves after the services that need it have left.
    """
    farewell = _Farewell(desired, observed, "destroy" if goal.destroy else UNWANTED)
    leaving = _leaving(desired, observed, goal)
    for service in _consumers_first(farewell.past, {workload.service for workload in leaving}):
        farewell.add(service, [workload for workload in leaving if workload.service == service])
    return farewell.steps


def volume_removals(desired: Desired, observed: Observed, goal: Goal, steps: Sequence[Step]) -> list[Step]:
    """Volumes that may go, last on their host: run-time state always, data only when the goal allows its loss."""
    if goal.only:
        return []
    return [
        _volume_removal(volume, host.name, "destroy" if goal.destroy else UNWANTED, is_data, steps)
        for host in _hosts(desired, observed)
        for volume, is_data in _unwanted_volumes(desired, host, goal).items()
        if goal.allow_data_loss or not is_data
    ]


def discards(desired: Desired, observed: Observed, goal: Goal, steps: Sequence[Step]) -> list[Step]:
    """Jobs that take away what services which left the cloud still have with others, after all else on their host."""
    if goal.only or goal.destroy or not goal.allow_data_loss:
        return []
    there = {workload.id for workload in desired.workloads}
    found: list[Step] = []
    for job in desired.departed.discards:
        host = observed.hosts.get(job.host)
        image = _image_on_host(job, host) if host else None
        if host and image and there.issuperset(job.needs):
            found += _discard(job, write_of(job, host, desired.secret_versions), image, steps)
    return found


def staying(desired: Desired, observed: Observed, goal: Goal) -> tuple[str, ...]:
    """Data that nobody wants any more and that the goal does not let go, in words."""
    if goal.allow_data_loss or goal.destroy:
        return ()
    volumes = [
        f"volume {name} on {host.name}"
        for host in _hosts(desired, observed)
        for name, is_data in _unwanted_volumes(desired, host, goal).items()
        if is_data
    ]
    there = {workload.id for workload in desired.workloads}
    discarded = [job for job in desired.departed.discards if there.issuperset(job.needs)]
    return (*volumes, *(f"what {job.service} has in {job.needs[0].partition('@')[0]}" for job in discarded))


def _discard(job: PlacedJob, write: Difference | None, image: str, steps: Sequence[Step]) -> list[Step]:
    detail: dict[str, Any] = {"container": job.container, "image": image, "forget": job.service}
    before = tuple(step.id for step in steps if step.host == job.host)
    found: list[Step] = []
    if write:
        found.append(Step(f"write:{job.id}", "write", job.id, job.host, UNWANTED, before, job.service, detail=detail))
        before = (found[-1].id,)
    run = Step(f"run:{job.id}", "run", job.id, job.host, UNWANTED, before, job.service, detail=detail)
    return [*found, replace(run, risk="data-loss", reversible=False)]


def _with_past(desired: Desired) -> Desired:
    """The cloud with what departed from it: how that leaves is known from before."""
    past = desired.departed
    return replace(desired, workloads=(*desired.workloads, *past.workloads), jobs=(*desired.jobs, *past.jobs))


def _hosts(desired: Desired, observed: Observed) -> list[ObservedHost]:
    return [observed.hosts[name] for name in desired.hosts if name in observed.hosts]


def _leaving(desired: Desired, observed: Observed, goal: Goal) -> list[ObservedWorkload]:
    wanted = {} if goal.destroy else {workload.id: workload for workload in desired.workloads}
    slotted = {id for id, workload in wanted.items() if workload.slots}
    return [
        workload
        for host in _hosts(desired, observed)
        for there, stay in ((host.workloads, set(wanted)), (host.beside, slotted))
        for name, workload in sorted(there.items())
        if f"{name}@{host.name}" not in stay and (not goal.only or workload.service in goal.only)
    ]


def _service_needs(desired: Desired) -> dict[str, tuple[str, ...]]:
    """Service → services it needs, directly."""
    resources = resources_in_order(desired)
    service = {resource.id: resource.service for resource in resources}
    found: dict[str, dict[str, None]] = {}
    for resource in resources:
        providers = found.setdefault(resource.service, {})
        for need in resource.needs:
            if service.get(need, resource.service) != resource.service:
                providers[service[need]] = None
    return {name: tuple(providers) for name, providers in found.items()}


def _consumers_first(desired: Desired, leaving: set[str]) -> list[str]:
    known = in_order(_service_needs(desired))
    return sorted(leaving - set(known)) + list(reversed(known))


@dataclass
class _Farewell:
    """Collects the steps of the services that leave, consumers first."""

    desired: Desired
    observed: Observed
    cause: str
    steps: list[Step] = field(default_factory=list)
    last: dict[str, frozenset[str]] = field(default_factory=dict)
    """Service → steps after which it has left."""

    def __post_init__(self) -> None:
        self.past = _with_past(self.desired)
        self.service_needs = _service_needs(self.past)
        resources = resources_in_order(self.past)
        self.order = {resource.id: number for number, resource in enumerate(resources)}
        self.closure = _closure(resources)

    def add(self, service: str, leaving: Sequence[ObservedWorkload]) -> None:
        """Removal jobs, then containers, of one service; its consumers have been added before."""
        consumers = [name for name in self.last if service in self.service_needs.get(name, ())]
        gone = frozenset[str]().union(*(self.last[name] for name in consumers))
        runs = self._add_jobs(service, leaving, gone)
        removes = self._add_removes(leaving, gone | runs)
        self.last[service] = removes or gone

    def _add_jobs(self, service: str, leaving: Sequence[ObservedWorkload], gone: frozenset[str]) -> frozenset[str]:
        hosts = {workload.host for workload in leaving} - self._staying_hosts(service)
        jobs = [job for job in self.past.jobs if job.service == service and job.when == "removal"]
        ids: dict[str, str] = {}
        for job in sorted(jobs, key=lambda job: self.order[job.id]):
            image = _image_on_host(job, self.observed.hosts[job.host]) if job.host in hosts else None
            if image:
                earlier = {ids[need] for need in job.needs if need in ids}
                ids[job.id] = self._add_job(job, image, gone | earlier)
        return frozenset(ids.values())

    def _staying_hosts(self, service: str) -> set[str]:
        if self.cause == "destroy":
            return set()
        jobs = {job.host for job in self.desired.jobs if job.service == service and job.when != "removal"}
        return jobs | {workload.host for workload in self.desired.workloads if workload.service == service}

    def _add_job(self, job: PlacedJob, image: str, needs: Iterable[str]) -> str:
        write = write_of(job, self.observed.hosts[job.host], self.desired.secret_versions)
        before = list(needs)
        detail = {"container": job.container}
        if write:
            before.append(f"write:{job.id}")
            self.steps.append(
                Step(before[-1], "write", job.id, job.host, write.cause, group=job.service, detail=detail)
            )
        if image != job.spec["image"]:
            detail["image"] = image
        cause = "service leaves the host" if self.cause != "destroy" else self.cause
        run = Step(
            f"run:{job.id}", "run", job.id, job.host, cause, tuple(before), job.service, reversible=False, detail=detail
        )
        self.steps.append(run)
        return run.id

    def _add_removes(self, leaving: Sequence[ObservedWorkload], needs: frozenset[str]) -> frozenset[str]:
        """Inside a service, too, what needs another workload leaves before it."""
        ids: dict[str, str] = {}
        """Step → its workload; of a workload two containers may have been left."""
        for workload in sorted(leaving, key=lambda w: -self.order.get(f"{w.name}@{w.host}", len(self.order))):
            id = f"{workload.name}@{workload.host}"
            consumers = {step for step, other in ids.items() if id in self.closure.get(other, ())}
            ids[self._add_remove(workload, needs | consumers)] = id
        return frozenset(ids)

    def _add_remove(self, workload: ObservedWorkload, needs: Iterable[str]) -> str:
        step = replace(remove_step(workload, self.observed, self.cause), needs=tuple(needs))
        self.steps.append(step)
        return step.id


def remove_step(workload: ObservedWorkload, observed: Observed, cause: str) -> Step:
    """The removal of one container; of a workload there may be two."""
    return Step(
        f"remove:{id_of(workload, observed)}",
        "remove",
        f"{workload.name}@{workload.host}",
        workload.host,
        cause,
        group=workload.service,
        impact="interrupts" if workload.state == "running" else "none",
        detail={
            "kind": "workload",
            "name": workload.name,
            "container": workload.container,
            "folder": workload.folder,
        },
    )


def id_of(workload: ObservedWorkload, observed: Observed) -> str:
    """Tells the second container of a workload from the first."""
    is_second = workload is observed.hosts[workload.host].beside.get(workload.name)
    return f"{workload.name}{f'/{workload.slot}' if is_second else ''}@{workload.host}"


def _closure(resources: Iterable[Resource]) -> dict[str, frozenset[str]]:
    """Id → everything it needs, directly or not."""
    found: dict[str, frozenset[str]] = {}
    for resource in resources:
        found[resource.id] = frozenset(resource.needs).union(*(found.get(need, frozenset()) for need in resource.needs))
    return found


def _image_on_host(job: PlacedJob, host: ObservedHost) -> str | None:
    """The image a removal job runs in: the wanted one, else another build of it; nothing is built only to remove."""
    wanted = str(job.spec["image"])
    name = wanted.rpartition(":")[0]
    builds = sorted(image for image in host.images if image.rpartition(":")[0] == name)
    return wanted if wanted in builds else next(iter(builds), None)


def _unwanted_volumes(desired: Desired, host: ObservedHost, goal: Goal) -> dict[str, bool]:
    """Volume → whether it holds data; a volume that is no longer in the definition is told by its label."""
    known = {volume.name: volume.keep for volume in desired.volumes if volume.host == host.name}
    unwanted = set(host.volumes) - (set() if goal.destroy else set(known))
    return {name: known.get(name, name not in host.disposable_volumes) for name in sorted(unwanted)}


def _volume_removal(name: str, host: str, cause: str, is_data: bool, steps: Sequence[Step]) -> Step:
    return Step(
        f"remove:volume/{name}@{host}",
        "remove",
        f"{name}@{host}",
        host,
        cause,
        needs=tuple(step.id for step in steps if step.host == host),
        risk="data-loss" if is_data else "none",
        reversible=not is_data,
        detail={"kind": "volume", "name": name},
    )
