"""An operator's own sources of Python distributions → the files of an image's last layer; pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from mastic.build.lock import Lock
from mastic.errors import Place, Problem, did_you_mean
from mastic.model.catalogue import CloudFile
from mastic.model.source import Source

INSTALL_SOURCE = "install-source"
"""Script that a Dockerfile template runs to install them."""
PATCHES = "patches"
SOURCES = "sources"
"""Folder of the build context with one folder per distribution."""


@dataclass(frozen=True)
class LockedSource:
    """A source and the version that it stands in for."""

    source: Source
    version: str
    is_plugin: bool = False
    """It comes beside the lock's distributions, with what it needs, not in the place of one."""


@dataclass(frozen=True)
class Patch:
    """A patch of an installed distribution."""

    distribution: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Additions:
    """What the operator adds to an image's own part of the lock, in order: sources, plugins, patches."""

    sources: tuple[LockedSource, ...] = ()
    patches: tuple[Patch, ...] = ()
    constraints: str = ""
    """Versions of the whole lock, which a plugin's needs must fit."""

    def names(self) -> list[str]:
        return [each.source.name for each in self.sources] + [each.distribution for each in self.patches]

    def place(self) -> Place | None:
        """Where the first of them is said."""
        return next((each.source.place for each in self.sources), None)

    def __bool__(self) -> bool:
        return bool(self.sources or self.patches)


def source_context(additions: Additions) -> dict[str, bytes]:
    """Path in the build context → content: the files and `sources.json`, what to do with them in order."""
    if not additions:
        return {}
    context = {f"{SOURCES}/nothing": b""}  # a version on the index has no files, and the folder is mounted
    for each in additions.sources:
        for path, content in each.source.files.items():
            context[f"{SOURCES}/{each.source.name}/{path}"] = content
    work = [order(each) for each in additions.sources]
    for patch in additions.patches:
        context[f"{SOURCES}/{PATCHES}/{patch.distribution}/{patch.name}"] = patch.content
        work.append({"name": patch.distribution, "patch": f"/{SOURCES}/{PATCHES}/{patch.distribution}/{patch.name}"})
    if any(each.is_plugin for each in additions.sources):
        context["context/constraints.txt"] = additions.constraints.encode()
    return context | {"context/sources.json": json.dumps(work, indent=1, sort_keys=True).encode()}


def order(each: LockedSource) -> dict[str, str]:
    """What to install one distribution from."""
    source = each.source
    if source.version:
        where = f"{source.name}=={source.version}"
    elif source.is_folder:
        where = f"/{SOURCES}/{source.name}"
    else:
        where = f"/{SOURCES}/{source.name}/{next(iter(source.files))}"
    if each.is_plugin:
        return {"name": source.name, "plugin": where}
    return {"name": source.name, "from": where, "version": each.version}


def additions_of(cloud_file: CloudFile, lock: Lock | None, image: str, own: frozenset[str]) -> Additions:
    """What the operator adds to an image, and puts in the place of its own distributions."""
    if lock is None:
        return Additions()
    given = cloud_file.sources
    sources = [LockedSource(given[name], lock.distributions[name].version) for name in sorted(given) if name in own]
    plugins = [LockedSource(each, "", True) for (owner, _), each in cloud_file.own.plugins.items() if owner == image]
    patches = [
        Patch(name, file, content)
        for name in sorted(cloud_file.own.patches)
        if name in own
        for file, content in cloud_file.own.patches[name]
    ]
    pins = "".join(f"{each.name}=={each.version}\n" for each in lock.distributions.values()) if plugins else ""
    return Additions((*sources, *plugins), tuple(patches), pins)


def patch_problems(cloud_file: CloudFile, lock: Lock | None, used: set[str]) -> Iterator[Problem]:
    """Patches of distributions that no image of the cloud installs."""
    known = lock.distributions if lock else {}
    folder = cloud_file.own.path.parent / PATCHES
    for name in cloud_file.own.patches:
        if name not in used:
            hint = None if name in known else did_you_mean(name, known)
            hint = hint or "its service is not chosen or is of kind `binary`, or the lock does not have it"
            yield Problem(f"no image of this cloud installs `{name}` from the lock", Place(str(folder / name)), hint)


def source_problems(cloud_file: CloudFile, lock: Lock | None, used: set[str]) -> Iterator[Problem]:
    """Sources that no image of the cloud holds."""
    known = lock.distributions if lock else {}
    for name, source in cloud_file.sources.items():
        if name in used:
            continue
        if name in known:
            hint = "its service is not chosen, or is of kind `binary`; remove the line"
            yield Problem(f"no image of this cloud installs `{name}` from the lock", source.place, hint)
        else:
            hint = did_you_mean(name, known) or "`plugins` of an image adds what the lock does not have"
            yield Problem(f"the lock of {cloud_file.cloud.release} has no `{name}`", source.place, hint)
