"""A configuration file of a workload on a host → the override files read for it, the weakest first; Kolla's order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, get_args

from mastic.model.overrides import Level
from mastic.model.service import File

Format = Literal["ini", "yaml", "json", "text"]
GLOBAL = "global.conf"
"""Laid over the main configuration file of everything that reads oslo.config."""
_LEVELS = get_args(Level)
_SUFFIXES: dict[str, Format] = {
    ".conf": "ini",
    ".cnf": "ini",
    ".ini": "ini",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
}


@dataclass(frozen=True)
class Lookup:
    """What decides which override files a file has."""

    service: str
    workload: str
    host: str
    name: str
    """The file's own name, e.g. `nova.conf`."""
    format: Format
    oslo: bool
    """Whether oslo.config reads it."""
    known_as: tuple[str, ...] = ()


def format_of(file: File, name: str) -> Format | None:
    """How override files are laid over a file; None when it takes none."""
    if file.format is not None:
        return file.format
    return None if file.content is not None else _SUFFIXES.get(PurePosixPath(name).suffix)


def override_names(lookup: Lookup) -> tuple[tuple[Level, str], ...]:
    """(level, path in the folder of overrides), the weakest first.

    The main file of a service is the INI file that is named, or known, as the service or its workload is:
    `<service>.conf` and `<service>/<workload>.conf` are laid over it. Any other name is looked for in the service's
    folder.
    """
    main = [f"{lookup.service}.conf", f"{lookup.workload}.conf"] if lookup.format == "ini" else []
    names = [*lookup.known_as, lookup.name]
    found = list(_main(lookup)) if any(name in main for name in names) else []
    for name in names:
        if name not in main:
            found += _other(lookup, name)
    return tuple(sorted(dict.fromkeys(found), key=lambda each: _LEVELS.index(each[0])))


def _main(lookup: Lookup) -> Iterator[tuple[Level, str]]:
    service, workload, host = lookup.service, lookup.workload, lookup.host
    if lookup.oslo:
        yield "global", GLOBAL
    yield "service", f"{service}.conf"
    yield "workload", f"{service}/{workload}.conf"
    yield "host", f"{service}/{host}/{service}.conf"
    yield "host", f"{service}/{host}/{workload}.conf"


def _other(lookup: Lookup, name: str) -> Iterator[tuple[Level, str]]:
    if name in lookup.known_as:
        yield "service", name
    yield "service", f"{lookup.service}/{name}"
    yield "workload", f"{lookup.service}/{lookup.workload}/{name}"
    yield "host", f"{lookup.service}/{lookup.host}/{name}"
