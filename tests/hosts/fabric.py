"""The wires between hosts: a namespace that holds nothing but one bridge per network."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.hosts.shell import run

NETWORKS = 90
"""First network is 10.90.<lab>.0/24, the second 10.91.<lab>.0/24, and so on."""
PLACE = Path("/run/mastic-hosts")
"""Network namespaces by name; not where `ip netns` has them, because containers on this machine share that folder."""
MACHINE = 1
"""Last number of the machine's own address in the first network: its hosts' way out."""


@dataclass(frozen=True)
class Fabric:
    """Networks of one lab, numbered from 0; the machine itself is in network 0."""

    lab: int
    networks: int

    @property
    def space(self) -> Path:
        """The namespace of the bridges."""
        return self.space_of("fabric")

    def space_of(self, host: str) -> Path:
        """The network namespace of a host."""
        return PLACE / str(self.lab) / host

    @property
    def uplink(self) -> str:
        """The machine's interface in network 0."""
        return f"m{self.lab}up"

    def address(self, network: int, number: int) -> str:
        return f"10.{NETWORKS + network}.{self.lab}.{number}"

    def port(self, number: int, network: int) -> str:
        """A host's side in the fabric's namespace."""
        return f"p{number}n{network}"


def claim(networks: int) -> Fabric:
    """A fabric with the first number that no other lab has."""
    PLACE.mkdir(exist_ok=True)
    for lab in range(256):
        fabric = Fabric(lab, networks)
        try:
            fabric.space.parent.mkdir()
        except FileExistsError:
            continue
        make_space(fabric.space)
        return fabric
    raise RuntimeError("there are 256 labs already; `python -m tests.hosts down` removes them")


def make_space(path: Path) -> None:
    """A network namespace that stays while nothing runs in it."""
    path.touch(exist_ok=False)
    run("unshare", f"--net={path}", "true")


def remove_space(path: Path) -> None:
    """What is gone already is gone."""
    subprocess.run(["umount", str(path)], capture_output=True, check=False)
    path.unlink(missing_ok=True)


def inside(space: Path, *command: str) -> str:
    """Run a command in a network namespace."""
    return run("nsenter", f"--net={space}", *command)


def lay(fabric: Fabric) -> None:
    """Bridges, the machine's own link into network 0, and the way out for what hosts download."""
    for network in range(fabric.networks):
        inside(fabric.space, "ip", "link", "add", f"net{network}", "type", "bridge")
        inside(fabric.space, "ip", "link", "set", f"net{network}", "up")
    run("ip", "link", "add", fabric.uplink, "type", "veth", "peer", "name", "machine", "netns", fabric.space)
    inside(fabric.space, "ip", "link", "set", "machine", "master", "net0", "up")
    run("ip", "address", "add", f"{fabric.address(0, MACHINE)}/24", "dev", fabric.uplink)
    run("ip", "link", "set", fabric.uplink, "up")
    for rule in _rules(fabric):
        run("iptables", "-w", *rule)


def clear(fabric: Fabric) -> None:
    """Take the wires away; what is gone already is gone."""
    for rule in _rules(fabric):
        undo = ["-D" if word in ("-A", "-I") else word for word in rule]
        subprocess.run(["iptables", "-w", *undo], capture_output=True, check=False)
    subprocess.run(["ip", "link", "delete", fabric.uplink], capture_output=True, check=False)
    remove_space(fabric.space)
    shutil.rmtree(fabric.space.parent)


def _rules(fabric: Fabric) -> list[list[str]]:
    net, link = f"{fabric.address(0, 0)}/24", fabric.uplink
    return [
        ["-t", "nat", "-A", "POSTROUTING", "-s", net, "!", "-o", link, "-j", "MASQUERADE"],
        ["-I", "FORWARD", "-i", link, "-j", "ACCEPT"],
        ["-I", "FORWARD", "-o", link, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"],
    ]


def plug(fabric: Fabric, number: int, host: Path) -> None:
    """Give a host's namespace one interface per network: eth0, eth1…"""
    for network in range(fabric.networks):
        port, name = fabric.port(number, network), f"eth{network}"
        inside(fabric.space, "ip", "link", "add", port, "type", "veth", "peer", "name", name, "netns", str(host))
        inside(fabric.space, "ip", "link", "set", port, "master", f"net{network}", "up")
        inside(host, "ip", "address", "add", f"{fabric.address(network, number)}/24", "dev", name)
        inside(host, "ip", "link", "set", name, "up")
    inside(host, "ip", "link", "set", "lo", "up")
    inside(host, "ip", "route", "add", "default", "via", fabric.address(0, MACHINE))


def cut(fabric: Fabric, number: int, network: int, carrier: bool) -> None:
    """Take a host off a network: silently, its link stays up; or with its carrier, as when the cable is pulled."""
    port = fabric.port(number, network)
    inside(fabric.space, "ip", "link", "set", port, *(("down",) if carrier else ("nomaster",)))


def heal(fabric: Fabric, number: int, network: int) -> None:
    """Put a host back on a network."""
    port = fabric.port(number, network)
    inside(fabric.space, "ip", "link", "set", port, "master", f"net{network}", "up")


def slow(fabric: Fabric, number: int, network: int, kilobits: int) -> None:
    """Let a host get no more than this per second; 0 ends it."""
    port = ("dev", fabric.port(number, network), "root")
    if kilobits:
        bucket = ("burst", "16kb", "latency", "400ms")
        inside(fabric.space, "tc", "qdisc", "replace", *port, "tbf", "rate", f"{kilobits}kbit", *bucket)
    else:
        inside(fabric.space, "tc", "qdisc", "delete", *port)
