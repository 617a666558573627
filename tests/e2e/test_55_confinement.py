"""Containers have the privileges they declare and listen where they must, and nowhere else."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest

from mastic.agent.container import SUDO_CAPABILITIES
from mastic.cli.options import shipped_catalogue
from mastic.load.catalogue import load_catalogue
from mastic.model.service import Workload
from mastic.pipeline import Where, survey
from tests.e2e.engine import containers
from tests.e2e.lab import VAULT_PASSWORD, Lab, run

pytestmark = pytest.mark.cloud

LISTEN, UNCONNECTED = "0A", "07"
"""States in /proc/net: of a TCP socket that listens, of a UDP socket that takes packets from anywhere."""
ROOT = ("", "root", "0")
KERNEL_CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *("LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"),
    *("SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"),
    *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"),
    *("MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"),
    "CHECKPOINT_RESTORE",
)
"""In the order of the kernel's bits (linux/capability.h)."""
Address = IPv4Address | IPv6Address


@pytest.fixture(scope="module")
def wanted(cloud: Lab) -> dict[str, dict[str, Any]]:
    """Container name → the specification that the catalogue leads to on this host."""
    where = Where(cloud.cloud, shipped_catalogue(), cloud.state.parent, VAULT_PASSWORD)
    return {workload.container: workload.spec for workload in survey(where).desired.workloads}


@pytest.fixture(scope="module")
def declared(cloud: Lab) -> dict[str, Workload]:
    """Workload name → what the catalogue says about it."""
    folders = load_catalogue(shipped_catalogue()).folders.values()
    return {name: workload for folder in folders for name, workload in folder.service.workloads.items()}


def test_no_container_is_privileged_and_all_begin_with_nothing(cloud: Lab) -> None:
    for name, container in containers(cloud.name).items():
        host = container["HostConfig"]
        assert not host["Privileged"], name
        assert host["CapDrop"] == ["ALL"], name


def test_capabilities_devices_and_namespaces_are_the_declared(cloud: Lab, wanted: dict[str, dict[str, Any]]) -> None:
    for name, container in containers(cloud.name).items():
        spec, host = wanted[name], container["HostConfig"]
        added = {capability.removeprefix("CAP_") for capability in host["CapAdd"] or ()}
        helper = set(SUDO_CAPABILITIES) if container["Config"]["User"] not in ROOT else set()
        assert added == set(spec["capabilities"]) | helper, name
        assert {device["PathOnHost"] for device in host["Devices"] or ()} == set(spec["devices"]), name
        assert (host["PidMode"] == "host") == ("pid" in spec["host_namespaces"]), name
        assert (host["MaskedPaths"] == []) == spec["unmask_proc"], name


def test_no_process_holds_a_capability_that_is_not_declared(cloud: Lab, wanted: dict[str, dict[str, Any]]) -> None:
    excess = {
        f"a process of {name} holds {capability}"
        for name, process in processes(cloud.name)
        for capability in held(process) - set(wanted[name]["capabilities"])
    }
    assert excess == set()


def held(process: Path) -> set[str]:
    """Capabilities in force of a process, as the kernel tells; none when it ended meanwhile."""
    try:
        lines = (process / "status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    mask = int(next(line for line in lines if line.startswith("CapEff")).split()[1], 16)
    return {name for bit, name in enumerate(KERNEL_CAPABILITIES) if mask >> bit & 1}


def test_root_runs_only_where_a_reason_is_given(cloud: Lab, declared: dict[str, Workload]) -> None:
    roots = {
        container["Config"]["Labels"]["mastic.workload"]
        for container in containers(cloud.name).values()
        if container["Config"]["User"] in ROOT
    }
    assert {name for name in roots if not declared[name].root_reason} == set()


def test_nothing_listens_beyond_loopback_and_the_external_bridge(cloud: Lab) -> None:
    bridge = addresses_of_bridges()
    open_sockets = {
        f"{container} listens on {address}:{port}"
        for container, address, port in listening(cloud.name)
        if not address.is_loopback and address not in bridge
    }
    assert open_sockets == set()


def addresses_of_bridges() -> set[Address]:
    """Addresses the host has on the virtual switch's bridges."""
    words = [line.split() for line in run(["ip", "-oneline", "address"]).succeeded().out.splitlines()]
    return {ip_address(line[3].split("/")[0]) for line in words if line[1].startswith("br-")}


def listening(cloud: str) -> Iterator[tuple[str, Address, int]]:
    """(container, address, port) of every socket in the host's network on which a container takes connections."""
    owners = {inode: name for name, inode in sockets(cloud)}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/1/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] in (LISTEN, UNCONNECTED) and (name := owners.get(fields[9])):
                yield name, *endpoint(fields[1])


def endpoint(text: str) -> tuple[Address, int]:
    """`0100007F:1F90` → 127.0.0.1, 8080; the kernel writes words of the host's byte order."""
    address, port = text.split(":")
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return ip_address(socket.inet_ntop(family, packed)), int(port, 16)


def sockets(cloud: str) -> Iterator[tuple[str, str]]:
    """(container, inode) of every socket that a process of the cloud's containers holds."""
    for name, process in processes(cloud):
        try:
            links = [str(path.readlink()) for path in (process / "fd").iterdir()]
        except OSError:  # ended meanwhile
            continue
        for link in links:
            if link.startswith("socket:["):
                yield name, link[len("socket:[") : -1]


def processes(cloud: str) -> Iterator[tuple[str, Path]]:
    """(container, folder in /proc) of every process of the cloud's containers."""
    ids = {container["Id"]: name for name, container in containers(cloud).items()}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            groups = (folder / "cgroup").read_text(encoding="utf-8")
        except OSError:  # ended meanwhile
            continue
        if name := next((name for id, name in ids.items() if id in groups), None):
            yield name, folder
