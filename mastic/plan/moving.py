"""Volumes that lie elsewhere than wanted → the steps that bring them there, and the world as it is meanwhile; pure.

The engine lets a volume be made anew only when no container has it, stopped ones included: whoever uses it is removed
before, and started after by the rest of the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from mastic.model.desired import Desired, DesiredVolume
from mastic.model.goal import Goal
from mastic.model.observed import Observed, ObservedHost, ObservedWorkload
from mastic.model.plan import Step
from mastic.plan.departure import remove_step


@dataclass(frozen=True)
class Moving:
    """What moves volumes."""

    observed: Observed
    """The hosts without the containers that had to go."""
    steps: list[Step] = field(default_factory=list)
    causes: dict[str, str] = field(default_factory=dict)
    """Workload that goes and comes again → why."""
    ids: dict[str, str] = field(default_factory=dict)
    """Volume → the step that moves it."""


def moving(desired: Desired, observed: Observed, goal: Goal, leaving: Sequence[Step]) -> Moving:
    """Nothing moves when all of the cloud goes, nor when a user of a volume is none of the services of the goal."""
    found = Moving(observed)
    for volume in () if goal.destroy else desired.volumes:
        host = observed.hosts.get(volume.host)
        if host is None or not is_elsewhere(volume, host):
            continue
        users = users_of(desired, host, {volume.name})
        if not goal.only or {volume.service, *(user.service for user in users)} <= set(goal.only):
            found = _with(found, volume, [user for user in users if _stays(user, leaving)], leaving)
    return found


def is_elsewhere(volume: DesiredVolume, host: ObservedHost) -> bool:
    """Whether a volume has to be moved."""
    return bool(volume.path) and volume.name in host.volumes and host.volume_paths.get(volume.name) != volume.path


def users_of(desired: Desired, host: ObservedHost, volumes: set[str]) -> list[ObservedWorkload]:
    """Containers on a host whose workloads have one of the volumes."""
    return [
        there[workload.name]
        for workload in desired.workloads
        if workload.host == host.name and volumes & set(workload.volumes)
        for there in (host.workloads, host.beside)
        if workload.name in there
    ]


def _stays(user: ObservedWorkload, leaving: Sequence[Step]) -> bool:
    return all(step.detail.get("container") != user.container for step in leaving if step.verb == "remove")


def _with(found: Moving, volume: DesiredVolume, users: list[ObservedWorkload], leaving: Sequence[Step]) -> Moving:
    """A container that has two volumes that move goes once."""
    cause = f"volume {volume.name} moves to {volume.path}"
    known = {step.id for step in found.steps}
    removals = [remove_step(user, found.observed, cause) for user in users]
    before = [*leaving, *removals, *(step for step in found.steps if step.verb == "remove")]
    step = Step(
        f"move:{volume.id}",
        "move",
        volume.id,
        volume.host,
        f"to {volume.path}",
        needs=tuple(dict.fromkeys(each.id for each in before if each.host == volume.host)),
        group=volume.service,
        detail={"name": volume.name, "path": volume.path},
    )
    return Moving(
        without(found.observed, volume.host, users),
        [*found.steps, *(each for each in removals if each.id not in known), step],
        {**{f"{user.name}@{user.host}": cause for user in users}, **found.causes},
        {**found.ids, volume.id: step.id},
    )


def come_again(step: Step, moved: Moving) -> Step:
    """A container that had to go comes again for the same reason; its files are written after the old ones went."""
    if step.resource not in moved.causes:
        return step
    gone = [each.id for each in moved.steps if each.resource == step.resource]
    return replace(step, cause=moved.causes[step.resource], needs=(*step.needs, *gone))


def without(observed: Observed, name: str, users: Iterable[ObservedWorkload]) -> Observed:
    """The world after containers and their files have gone."""
    host, gone = observed.hosts[name], list(users)
    containers, folders = {user.container for user in gone}, {user.folder for user in gone}
    left = replace(
        host,
        workloads={key: each for key, each in host.workloads.items() if each.container not in containers},
        beside={key: each for key, each in host.beside.items() if each.container not in containers},
        files={folder: files for folder, files in host.files.items() if folder not in folders},
    )
    return replace(observed, hosts={**observed.hosts, name: left})
