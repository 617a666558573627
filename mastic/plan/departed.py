"""Desired × what stood before → Desired with what has to be taken away; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mastic.model.desired import ConfigFile, Departed, Desired
from mastic.model.goal import Goal


def with_departed(desired: Desired, before: Desired | None) -> Desired:
    """The same cloud, knowing what stood before and is wanted no more: its removal jobs, its order, its data."""
    if before is None:
        return desired
    known = {workload.id for workload in desired.workloads} | {job.id for job in desired.jobs}
    services = placed_services(desired)
    said = {job.id: job for job in (*before.departed.discards, *before.discards) if job.service not in services}
    departed = Departed(
        workloads=tuple(workload for workload in before.workloads if workload.id not in known),
        jobs=tuple(job for job in before.jobs if job.id not in known),
        discards=tuple(said.values()),
    )
    names = {name for file in leaving_files(departed) for name in file.secrets}
    versions = {name: version for name, version in before.secret_versions.items() if name in names}
    return replace(desired, departed=departed, secret_versions={**versions, **desired.secret_versions})


def left_behind(stands: Desired, before: Desired | None, goal: Goal) -> Desired:
    """What stands after a run, with the data that the goal did not allow to take away."""
    departed = with_departed(replace(stands, departed=Departed()), before).departed
    kept = () if goal.allow_data_loss and not goal.only else departed.discards
    return replace(
        stands,
        departed=Departed(discards=kept),
        secret_versions={name: version for name, version in stands.secret_versions.items() if name in stands.secrets},
    )


def placed_services(desired: Desired) -> set[str]:
    """Services of which anything is placed."""
    return {workload.service for workload in desired.workloads} | {job.service for job in desired.jobs}


def leaving_files(departed: Departed) -> Iterator[ConfigFile]:
    """Files of the jobs that take away."""
    for job in (*departed.jobs, *departed.discards):
        if job.when in ("removal", "discard"):
            yield from job.files
