"""Desired × Desired → differences a person reads, file by file; secrets are references in both; pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff

from mastic.errors import InputError, Problem, did_you_mean
from mastic.model.desired import Desired, PlacedJob, PlacedWorkload

Holder = PlacedWorkload | PlacedJob
Chosen = Callable[[Holder], bool]


@dataclass(frozen=True)
class Part:
    """A difference of one file, container or volume."""

    resource: str
    what: str
    """Name of a file, `container`, `job`, `volume` or `secrets`."""
    lines: tuple[str, ...]
    """Unified, or one sentence."""


def compare(old: Desired | None, new: Desired, chosen: Chosen = lambda holder: True) -> tuple[Part, ...]:
    """Every difference; nothing at all stood before the first generation."""
    before, after = _holders(old, chosen), _holders(new, chosen)
    parts = [part for id in sorted({**before, **after}) for part in _differences(id, before.get(id), after.get(id))]
    services = {holder.service for holder in (*before.values(), *after.values())}
    parts += _volumes(old, new, services)
    names = {name for holder in after.values() for file in holder.files for name in file.secrets}
    parts += _secrets(old, new, names)
    return tuple(parts)


def choose(old: Desired | None, new: Desired, name: str, host: str | None) -> Chosen:
    """What a word means: a service, a workload, a job or a container, perhaps on one host.

    Raises InputError when it means nothing.
    """
    holders = [*_holders(old).values(), *_holders(new).values()]
    known = {word for holder in holders for word in (holder.service, holder.name, holder.container)}
    if name not in known:
        raise InputError(Problem(f"no service or container `{name}` in this cloud", hint=did_you_mean(name, known)))
    hosts = {holder.host for holder in holders if name in (holder.service, holder.name, holder.container)}
    if host is not None and host not in hosts:
        hint = f"it is on {', '.join(f'`{each}`' for each in sorted(hosts))}"
        raise InputError(Problem(f"`{name}` is not on host `{host}`", hint=hint))
    return lambda holder: name in (holder.service, holder.name, holder.container) and host in (None, holder.host)


def _holders(desired: Desired | None, chosen: Chosen = lambda holder: True) -> dict[str, Holder]:
    if desired is None:
        return {}
    both: tuple[Holder, ...] = (*desired.workloads, *desired.jobs)
    return {holder.id: holder for holder in both if chosen(holder)}


def _differences(id: str, old: Holder | None, new: Holder | None) -> Iterator[Part]:
    sort = "job" if isinstance(new or old, PlacedJob) else "container"
    if old is None or new is None:
        yield Part(id, sort, ("added" if old is None else "removed",))
    elif lines := _unified(_spec(old), _spec(new), sort):
        yield Part(id, sort, lines)
    before = {file.name: file.content for file in old.files} if old else {}
    after = {file.name: file.content for file in new.files} if new else {}
    for name in sorted({**before, **after}):
        if lines := _unified(before.get(name, ""), after.get(name, ""), name):
            yield Part(id, name, lines)


def _spec(holder: Holder) -> str:
    run = {"run": holder.run, "when": holder.when} if isinstance(holder, PlacedJob) else {}
    return json.dumps({**holder.spec, **run}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _unified(old: str, new: str, name: str) -> tuple[str, ...]:
    lines = unified_diff(old.splitlines(), new.splitlines(), f"a/{name}", f"b/{name}", lineterm="")
    return tuple(lines)


def _volumes(old: Desired | None, new: Desired, services: set[str]) -> Iterator[Part]:
    before = {volume.id for volume in old.volumes if volume.service in services} if old else set()
    after = {volume.id for volume in new.volumes if volume.service in services}
    for id in sorted(before ^ after):
        yield Part(id, "volume", ("added" if id in after else "removed",))


def _secrets(old: Desired | None, new: Desired, names: set[str]) -> Iterator[Part]:
    before: Mapping[str, int] = old.secret_versions if old else new.secret_versions
    for name in sorted(names):
        versions = before.get(name), new.secret_versions.get(name)
        if None not in versions and versions[0] != versions[1]:
            yield Part(name, "secret", (f"version {versions[0]} → {versions[1]}",))
