"""Order of resources and steps: providers before consumers, the same every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mastic.model.desired import Desired, PlacedJob, PlacedWorkload
from mastic.model.plan import Step

Resource = PlacedWorkload | PlacedJob
Needs = Mapping[str, Sequence[str]]
"""Id → ids that must be done first."""


def in_order(needs: Needs) -> tuple[str, ...]:
    """All ids, each after what it needs, else in the order given; needs that are no key are left out."""
    done: dict[str, None] = {}
    entered: set[str] = set()

    def visit(id: str) -> None:
        if id in entered:
            return
        entered.add(id)
        for need in needs[id]:
            if need in needs:
                visit(need)
        done[id] = None

    for id in needs:
        visit(id)
    return tuple(done)


def resources_in_order(desired: Desired) -> tuple[Resource, ...]:
    """All workloads and jobs, providers before consumers."""
    resources: dict[str, Resource] = {job.id: job for job in desired.jobs}
    resources |= {workload.id: workload for workload in desired.workloads}
    return tuple(resources[id] for id in in_order({id: _all_needs(resource) for id, resource in resources.items()}))


def _all_needs(resource: Resource) -> tuple[str, ...]:
    return (*resource.needs, *resource.accounts) if isinstance(resource, PlacedWorkload) else resource.needs


def without_detours(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The same order with the fewest needs: one that another need already waits for is dropped."""
    position = {step.id: number for number, step in enumerate(steps)}
    before: list[int] = []
    """Per step a bit set of all steps it waits for, directly or not."""
    lean: list[Step] = []
    for step in steps:
        kept: list[int] = []
        covered = 0
        for need in sorted({position[id] for id in step.needs}, reverse=True):
            if not covered >> need & 1:
                kept.append(need)
                covered |= before[need] | 1 << need
        before.append(covered)
        lean.append(replace(step, needs=tuple(steps[number].id for number in reversed(kept))))
    return tuple(lean)
