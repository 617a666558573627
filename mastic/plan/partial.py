"""What stands after a plan that touched only some services: their new state, the old state of all others; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol, TypeVar

from mastic.model.desired import Desired, PlacedJob, PlacedWorkload
from mastic.model.goal import Goal


class _OfService(Protocol):
    @property
    def service(self) -> str: ...


Part = TypeVar("Part", bound=_OfService)


def partly(before: Desired | None, wanted: Desired, goal: Goal) -> Desired:
    """`wanted` as far as the goal lets it come true; nothing else stands where nothing stood before."""
    if not goal.only:
        return wanted
    only = frozenset(goal.only)
    old = before or replace(wanted, workloads=(), jobs=(), volumes=(), checks=(), endpoints=(), explained=(), images={})
    merged = replace(
        wanted,
        workloads=_merge(old.workloads, wanted.workloads, only),
        jobs=_merge(old.jobs, wanted.jobs, only),
        volumes=_merge(old.volumes, wanted.volumes, only),
        checks=_merge(old.checks, wanted.checks, only),
        endpoints=_merge(old.endpoints, wanted.endpoints, only),
        explained=_merge(old.explained, wanted.explained, only),
    )
    touched = _secrets_of(wanted, only)
    return replace(
        merged,
        images={holder.image: str(holder.spec["image"]) for holder in _holders(merged)},
        secrets={**old.secrets, **{name: secret for name, secret in wanted.secrets.items() if name in touched}},
        secret_versions={
            **wanted.secret_versions,
            **{name: version for name, version in old.secret_versions.items() if name not in touched},
        },
    )


def _merge(old: Iterable[Part], new: Iterable[Part], only: frozenset[str]) -> tuple[Part, ...]:
    return (*(part for part in old if part.service not in only), *(part for part in new if part.service in only))


def _holders(desired: Desired) -> tuple[PlacedWorkload | PlacedJob, ...]:
    return (*desired.workloads, *desired.jobs)


def _secrets_of(desired: Desired, only: frozenset[str]) -> set[str]:
    """Secrets that files of the touched services refer to."""
    files = (file for holder in _holders(desired) if holder.service in only for file in holder.files)
    return {name for file in files for name in file.secrets}
