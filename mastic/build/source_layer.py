"""An operator's own sources of Python distributions → the files of an image's last layer; pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from mastic.build.lock import Lock
from mastic.errors import Problem, did_you_mean
from mastic.model.catalogue import CloudFile
from mastic.model.source import Source

INSTALL_SOURCE = "install-source"
"""Script that a Dockerfile template runs to install them."""
SOURCES = "sources"
"""Folder of the build context with one folder per distribution."""


@dataclass(frozen=True)
class LockedSource:
    """A source and the version that it stands in for."""

    source: Source
    version: str


def source_context(sources: tuple[LockedSource, ...]) -> dict[str, bytes]:
    """Path in the build context → content: the files and `sources.json`, what to do with them in order."""
    if not sources:
        return {}
    context = {
        f"{SOURCES}/{each.source.name}/{path}": content
        for each in sources
        for path, content in each.source.files.items()
    }
    work = [order(each) for each in sources]
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
    return {"name": source.name, "from": where, "version": each.version}


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
