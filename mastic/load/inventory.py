"""The operator's Ansible inventory → hosts of the cloud; read by ansible-core itself, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mastic.errors import InputError, Place, Problem, did_you_mean
from mastic.model.catalogue import CloudFile
from mastic.model.cloud import Host

NO_GROUPS = ("all", "ungrouped")
STRICT = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True", "ANSIBLE_NOCOLOR": "True"}
_NAME = re.compile(r"[a-z][a-z0-9-]*")


def inventory_path(file: CloudFile) -> Path | None:
    """Where the inventory is, if there is one."""
    said = file.cloud.inventory
    return (file.path.parent / said).resolve() if said else None


def with_inventory(file: CloudFile) -> CloudFile:
    """The definition with its inventory's hosts. Raises InputError when it cannot be read, or lacks a host."""
    path = inventory_path(file)
    if path is None:
        return file
    if not path.exists():
        raise InputError(Problem(f"there is no inventory `{file.cloud.inventory}`", file.place("inventory")))
    known = hosts_of(read_inventory(path))
    chosen = file.cloud.hosts or {name: Host() for name, host in known.items() if host.groups}
    problems = [*_unknown(file, known, path), *_misnamed(known, path)]
    if not chosen:
        problems.append(Problem("no host of the inventory is in a group", Place(str(path)), "mastic places by groups"))
    if problems:
        raise InputError(problems)
    hosts = {name: _filled(host, known.get(name)) for name, host in chosen.items()}
    return replace(file, cloud=file.cloud.model_copy(update={"hosts": hosts}))


def read_inventory(path: Path) -> dict[str, Any]:
    """What `ansible-inventory --list` says. Raises InputError with its own words, for example about a vault."""
    command = [sys.executable, "-m", "ansible", "inventory", "--inventory", str(path), "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | STRICT)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        said = next((line.removeprefix("[ERROR]: ") for line in lines if line.startswith("[ERROR]")), lines[-1])
        raise InputError(Problem(f"the inventory cannot be read: {said}", Place(str(path))))
    listed: dict[str, Any] = json.loads(done.stdout)
    return listed


def hosts_of(listed: dict[str, Any]) -> dict[str, Host]:
    """Every host of an inventory with its address and all groups it is in, also through others."""
    variables = listed.get("_meta", {}).get("hostvars", {})
    members = {group: set(_members(listed, group)) for group in listed if group not in ("_meta", *NO_GROUPS)}
    names = sorted({*variables, *_members(listed, "all")})
    return {
        name: Host(
            connection="ansible",
            address=str(_address(name, variables.get(name, {}))),
            groups=tuple(sorted(group for group, hosts in members.items() if name in hosts and _NAME.fullmatch(group))),
        )
        for name in names
    }


def _address(name: str, variables: dict[str, Any]) -> Any:
    return variables.get("mastic_address") or variables.get("ansible_host") or name


def _members(listed: dict[str, Any], group: str) -> Iterator[str]:
    said = listed.get(group, {})
    yield from said.get("hosts", ())
    for child in said.get("children", ()):
        yield from _members(listed, child)


def _unknown(file: CloudFile, known: dict[str, Host], path: Path) -> Iterator[Problem]:
    for name, host in file.cloud.hosts.items():
        if name not in known and host.connection == "ansible" and "address" not in _said(host):
            hint = did_you_mean(name, known) or "give it an `address`, or add it there"
            yield Problem(f"host `{name}` is not in the inventory `{path.name}`", file.place("hosts", name), hint)


def _misnamed(known: dict[str, Host], path: Path) -> Iterator[Problem]:
    for name in known:
        if not _NAME.fullmatch(name):
            hint = "letters a to z, digits and `-`; its address goes into `ansible_host`"
            yield Problem(f"host `{name}` has a name that mastic cannot use", Place(str(path)), hint)


def _filled(host: Host, known: Host | None) -> Host:
    """What the definition says itself is stronger."""
    said = {name: getattr(host, name) for name in _said(host)}
    if known:
        return known.model_copy(update=said)
    return host.model_copy(update={"ansible": {"ansible_host": host.address, **host.ansible}})


def _said(host: Host) -> set[str]:
    """`connection` was only made explicit."""
    return host.model_fields_set - {"connection"}
