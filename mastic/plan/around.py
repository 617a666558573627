"""Work on the content of volumes → a plan: their users are stopped around it, and started again by the rest; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mastic.model.desired import Desired
from mastic.model.goal import Goal
from mastic.model.observed import JobStamp, Observed, ObservedHost, ObservedWorkload
from mastic.model.plan import Plan, Step, Verb
from mastic.plan.departure import id_of
from mastic.plan.moving import users_of
from mastic.plan.order import resources_in_order, without_detours
from mastic.plan.reconcile import reconcile


@dataclass(frozen=True)
class Archive:
    """What a backup says of itself."""

    path: str
    """On the host that it was written on."""
    cloud: str
    at: str
    volumes: dict[str, str]
    """Volume → checksum over all of its files."""
    jobs: dict[str, JobStamp]
    """Jobs whose effect lived in these volumes, as they had run then."""


def backup_plan(desired: Desired, observed: Observed, host: str, volumes: Sequence[str], path: str) -> Plan:
    """Archive volumes of a host while nobody writes to them."""
    step = _work_step("backup", host, volumes, {"volumes": list(volumes), "archive": path})
    return around(desired, observed, replace(step, cause=f"to {path}"), observed)


def restore_plan(desired: Desired, observed: Observed, host: str, archive: Archive) -> Plan:
    """Put an archive's content in place; jobs that had not run on that content yet, or otherwise, run after."""
    here = observed.hosts[host]
    stamps = stamps_after(here, archive)
    detail = {
        "archive": archive.path,
        "volumes": archive.volumes,
        "jobs": {
            "forget": sorted(set(here.jobs) - set(stamps)),
            "stamps": {
                name: {"digest": stamp.digest, "volumes": stamp.volumes, "at": stamp.at}
                for name, stamp in sorted(stamps.items())
                if here.jobs.get(name) != stamp
            },
        },
    }
    step = _work_step("restore", host, tuple(archive.volumes), detail)
    step = replace(step, cause=f"as of {archive.at}", risk="data-loss", reversible=False)
    after = replace(observed, hosts={**observed.hosts, host: replace(here, jobs=stamps)})
    return around(desired, observed, step, after)


def stamps_after(host: ObservedHost, archive: Archive) -> dict[str, JobStamp]:
    """What was done to the data that a host has then: the archive knows it for its volumes, the host for the others."""
    volumes = set(archive.volumes)
    kept = {name: stamp for name, stamp in host.jobs.items() if not volumes & set(stamp.volumes)}
    return {**kept, **{name: _on(host.volumes, volumes, stamp) for name, stamp in archive.jobs.items()}}


def _on(there: Mapping[str, str], restored: set[str], stamp: JobStamp) -> JobStamp:
    """The stamp, said of the volumes that now hold the archive's content."""
    return replace(
        stamp, volumes={name: there[name] if name in restored else made for name, made in stamp.volumes.items()}
    )


def around(desired: Desired, observed: Observed, work: Step, after: Observed) -> Plan:
    """`work` between the stops of its volumes' users and whatever leads from there to what is wanted.

    `after` is the world when the work is done, but for the users, which stand still then.
    """
    names = set(work.detail["volumes"])
    users = [user for user in users_of(desired, observed.hosts[work.host], names) if user.state == "running"]
    stops = _stops(desired, observed, users, f"{work.verb} of {', '.join(sorted(names))}")
    work = replace(work, needs=tuple(step.id for step in stops))
    rest = reconcile(desired, _stopped(after, work.host, users), Goal())
    known = {step.id for step in rest.steps}
    causes = {f"{user.name}@{user.host}" for user in users}
    steps = [
        replace(
            step,
            needs=step.needs if known & set(step.needs) else (*step.needs, work.id),
            cause=f"after the {work.verb}" if step.resource in causes and step.cause == "stopped" else step.cause,
        )
        for step in rest.steps
    ]
    return Plan(desired.cloud, without_detours([*stops, work, *steps]), rest.images)


def _work_step(verb: Verb, host: str, volumes: Sequence[str], detail: dict[str, Any]) -> Step:
    resource = f"{','.join(volumes)}@{host}"
    return Step(f"{verb}:{resource}", verb, resource, host, "", group="volumes", detail=detail)


def _stops(desired: Desired, observed: Observed, users: Iterable[ObservedWorkload], cause: str) -> list[Step]:
    """Consumers first, one after the other."""
    order = {resource.id: number for number, resource in enumerate(resources_in_order(desired))}
    steps: list[Step] = []
    for user in sorted(users, key=lambda user: -order[f"{user.name}@{user.host}"]):
        step = Step(
            f"stop:{id_of(user, observed)}",
            "stop",
            f"{user.name}@{user.host}",
            user.host,
            cause,
            needs=tuple(step.id for step in steps[-1:]),
            group=user.service,
            impact="interrupts",
            detail={"container": user.container},
        )
        steps.append(step)
    return steps


def _stopped(observed: Observed, name: str, users: Iterable[ObservedWorkload]) -> Observed:
    host, stopped = observed.hosts[name], {user.container for user in users}

    def still(there: Mapping[str, ObservedWorkload]) -> dict[str, ObservedWorkload]:
        return {
            key: replace(each, state="exited", exit_code=0, healthy=None) if each.container in stopped else each
            for key, each in there.items()
        }

    left = replace(host, workloads=still(host.workloads), beside=still(host.beside))
    return replace(observed, hosts={**observed.hosts, name: left})
