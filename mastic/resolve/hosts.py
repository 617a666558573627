"""Hosts of the cloud as templates see them, and which of them run what."""

from __future__ import annotations

from typing import Any

from mastic.errors import InputError, Problem, did_you_mean
from mastic.resolve.ground import Ground
from mastic.resolve.scope import Scope


def cloud_scopes(ground: Ground, host: str) -> dict[str, Any]:
    """`cloud`, `host` and `hosts`."""
    return {"cloud": _cloud(ground), "host": host_scope(ground, host), "hosts": _groups(ground)}


def host_scope(ground: Ground, name: str) -> Scope:
    """One host as templates see it."""
    return ground.once(("host", name), lambda: _host(ground, name))


def api_address(ground: Ground) -> str:
    """Where the load balancer offers the APIs."""
    if ground.cloud.api_address is not None:
        return ground.cloud.api_address
    control = in_group(ground, "control") or list(ground.cloud.hosts)
    return ground.cloud.hosts[control[0]].address


def in_group(ground: Ground, group: str) -> list[str]:
    """Names of the hosts in a group, in the order of cloud.yml."""
    return [name for name, host in ground.cloud.hosts.items() if group in host.groups]


def hosts_of_workload(ground: Ground, service: str, workload: str) -> list[str]:
    """Hosts whose group the workload wants, whatever its `if`; raises InputError when there is none."""
    folder = ground.folder(service)
    wanted = folder.service.workloads[workload].place
    group, found = wanted.group, in_group(ground, wanted.group)
    if found:
        return _majority(ground, workload, group, found) if wanted.quorum else found
    known = sorted({each for host in ground.cloud.hosts.values() for each in host.groups})
    place = folder.place("workloads", workload, "place", "group")
    hint = did_you_mean(group, known) or f"add `{group}` to the `groups` of a host in {ground.cloud_file.path.name}"
    message = f"`{workload}` runs on group `{group}`, and no host of cloud `{ground.cloud.cloud}` is in it"
    raise InputError(Problem(message, place, hint))


def _majority(ground: Ground, workload: str, group: str, hosts: list[str]) -> list[str]:
    """The hosts; raises InputError when half of them could stand against the other half."""
    if len(hosts) % 2:
        return hosts
    told = ", ".join(f"`{host}`" for host in hosts)
    message = f"`{workload}` decides by majority and would run on {len(hosts)} hosts: {told}"
    hint = f"put one host more or one less into `{group}`: {len(hosts)} survive no more losses than {len(hosts) - 1}"
    raise InputError(Problem(message, ground.cloud_file.place("hosts", hosts[-1], "groups"), hint))


def home(ground: Ground, service: str, near: str | None = None) -> str:
    """The host a service is looked at from: `near` when it may run there, else its first."""
    groups = {workload.place.group for workload in ground.folder(service).service.workloads.values()}
    hosts = [name for name, host in ground.cloud.hosts.items() if groups & set(host.groups)]
    if near in hosts:
        return near
    return hosts[0] if hosts else next(iter(ground.cloud.hosts))


def _host(ground: Ground, name: str) -> Scope:
    host = ground.cloud.hosts[name]
    values: dict[str, Any] = {"name": name, "address": host.address, "groups": list(host.groups)}
    if name in ground.facts:
        values["facts"] = Scope("host.facts", vars(ground.facts[name]))
    return Scope("host", values)


def _cloud(ground: Ground) -> Scope:
    cloud = ground.cloud
    values = {"name": cloud.cloud, "release": cloud.release, "region": cloud.region}
    return Scope("cloud", {**values, "api_address": api_address(ground)})


def _groups(ground: Ground) -> Scope:
    groups = sorted({group for host in ground.cloud.hosts.values() for group in host.groups})
    return Scope("hosts", {group: [host_scope(ground, name) for name in in_group(ground, group)] for group in groups})
