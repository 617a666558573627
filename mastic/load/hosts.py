"""Hosts of a cloud definition → what is wrong with them together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mastic.errors import Problem
from mastic.model.catalogue import CloudFile


def with_connections(file: CloudFile) -> CloudFile:
    """Say of every host how it is reached, where the definition leaves it open."""
    alone = len(file.cloud.hosts) == 1 and not file.cloud.inventory
    hosts = {
        name: host if host.connection else host.model_copy(update={"connection": "local" if alone else "ansible"})
        for name, host in file.cloud.hosts.items()
    }
    return replace(file, cloud=file.cloud.model_copy(update={"hosts": hosts}))


def problems_of_hosts(file: CloudFile) -> list[Problem]:
    """Machines that are named twice, and passwords where they do not belong."""
    return [*_same_address(file), *_two_local(file), *_passwords(file)]


def _same_address(file: CloudFile) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name, host in file.cloud.hosts.items():
        other = first.setdefault(host.address, name)
        if other != name and host.connection != "local":
            place = file.place("hosts", name, "address")
            yield Problem(
                f"hosts `{other}` and `{name}` have the same address `{host.address}`", place, "one is too many"
            )


def _two_local(file: CloudFile) -> Iterator[Problem]:
    local = [name for name, host in file.cloud.hosts.items() if host.connection == "local"]
    for name in local[1:]:
        hint = "`connection: ansible` and `address` for every other machine"
        yield Problem(f"hosts `{local[0]}` and `{name}` are both this machine", file.place("hosts", name), hint)


def _passwords(file: CloudFile) -> Iterator[Problem]:
    for name, host in file.cloud.hosts.items():
        for key in host.ansible:
            if "pass" in key:
                place = file.place("hosts", name, "ansible", key)
                hint = "every generation keeps the definition; put it into an `inventory`, encrypted by ansible-vault"
                yield Problem(f"`{key}` of host `{name}` is a secret", place, hint)
