"""cloud.yml → CloudFile."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from mastic.errors import InputError, Problem
from mastic.load.customise import FOLDER as IMAGES
from mastic.load.customise import load_own
from mastic.load.hosts import problems_of_hosts, with_connections
from mastic.load.inventory import with_inventory
from mastic.load.overrides import FOLDER, load_overrides
from mastic.load.sources import load_sources
from mastic.load.strict import Document, read_yaml, to_model
from mastic.model.catalogue import CloudFile, RootArchive
from mastic.model.cloud import Cloud
from mastic.model.service import Setting
from mastic.model.values import Misfit, fit

_ADDRESS = Setting(type="address", help="")


def load_cloud(path: Path) -> CloudFile:
    """Read a cloud definition and its override files; raises InputError with every problem."""
    file = load_hosts(path)
    said = file.cloud.config
    overrides = load_overrides(path.parent / (said or FOLDER), file.place("config") if said else None)
    own = load_own(path.parent / IMAGES)
    return replace(file, overrides=overrides, sources=load_sources(file), root_archive=_root_archive(file), own=own)


def load_hosts(path: Path) -> CloudFile:
    """A cloud definition with nothing of what lies beside it but the inventory; raises InputError."""
    file = with_inventory(_checked(read_yaml(path)))
    problems = [*_address_problems(file), *problems_of_hosts(file)]
    if problems:
        raise InputError(problems)
    return file


def _root_archive(file: CloudFile) -> RootArchive | None:
    """The tar that `root` names; raises InputError when it is not there."""
    way, _, name = (file.cloud.root or "").partition(":")
    if way != "tar":
        return None
    path = (file.path.parent / name).resolve()
    if not path.is_file():
        raise InputError(Problem(f"there is no root file system `{name}`", file.place("root"), f"looked for {path}"))
    with path.open("rb") as tar:
        return RootArchive(path, hashlib.file_digest(tar, "sha256").hexdigest())


def cloud_of(document: Document) -> CloudFile:
    """Check what a `cloud.yml` says, but for an inventory that it names."""
    file = _checked(document)
    problems = problems_of_hosts(file)
    if problems:
        raise InputError(problems)
    return file


def _checked(document: Document) -> CloudFile:
    cloud = to_model(Cloud, document, "", document.path.name)
    file = CloudFile(cloud, document.path, document.lines)
    problems = [*_address_problems(file), *_list_problems(file)]
    if problems:
        raise InputError(problems)
    return with_connections(file)


def _address_problems(file: CloudFile) -> list[Problem]:
    said: list[tuple[tuple[str, ...], str]] = [
        (("hosts", name, "address"), host.address) for name, host in file.cloud.hosts.items()
    ]
    if file.cloud.api_address is not None:
        said.append((("api_address",), file.cloud.api_address))
    problems = []
    for keys, value in said:
        try:
            fit(_ADDRESS, value)
        except Misfit as misfit:
            problems.append(Problem(f"`{'.'.join(keys)}` {misfit}; it is `{value}`", file.place(*keys)))
    return problems


def _list_problems(file: CloudFile) -> list[Problem]:
    problems = []
    if not file.cloud.hosts and not file.cloud.inventory:
        problems.append(Problem("the cloud has no hosts", file.place("hosts"), "name at least one under `hosts`"))
    if not file.cloud.services:
        problems.append(
            Problem("the cloud has no services", file.place("services"), "name at least one under `services`")
        )
    for index, service in enumerate(file.cloud.services):
        if service in file.cloud.services[:index]:
            place = file.place("services", index)
            problems.append(Problem(f"service `{service}` is chosen twice", place, "keep one of the two"))
    return problems
