"""The wires between hosts: a namespace that holds nothing but one bridge per network."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from tests.hosts.shell import run

NETWORKS = 90
"""First network is 10.90.<lab>.0/24, the second 10.91.<lab>.0/24, and so on."""
MACHINE = 1
"""Last number of the machine's own address in the first network: its hosts' way out."""


@dataclass(frozen=True)
class Fabric:
    """Networks of one lab, numbered from 0; the machine itself is in network 0."""

    lab: int
    networks: int

    @property
    def namespace(self) -> str:
        return f"m{self.lab}fabric"

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
    for lab in range(256):
        fabric = Fabric(lab, networks)
        added = subprocess.run(["ip", "netns", "add", fabric.namespace], capture_output=True, text=True, check=False)
        if added.returncode == 0:
            return fabric
        if "File exists" not in added.stderr:
            raise RuntimeError(f"no network namespace can be made: {added.stderr.strip()}")
    raise RuntimeError("there are 256 labs already; `python -m tests.hosts down --all` removes them")


def lay(fabric: Fabric) -> None:
    """Bridges, the machine's own link into network 0, and the way out for what hosts download."""
    inside = ("ip", "-n", fabric.namespace)
    for network in range(fabric.networks):
        run(*inside, "link", "add", f"net{network}", "type", "bridge")
        run(*inside, "link", "set", f"net{network}", "up")
    run("ip", "link", "add", fabric.uplink, "type", "veth", "peer", "name", "machine", "netns", fabric.namespace)
    run(*inside, "link", "set", "machine", "master", "net0", "up")
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
    subprocess.run(["ip", "netns", "delete", fabric.namespace], capture_output=True, check=False)


def _rules(fabric: Fabric) -> list[list[str]]:
    net, link = f"{fabric.address(0, 0)}/24", fabric.uplink
    return [
        ["-t", "nat", "-A", "POSTROUTING", "-s", net, "!", "-o", link, "-j", "MASQUERADE"],
        ["-I", "FORWARD", "-i", link, "-j", "ACCEPT"],
        ["-I", "FORWARD", "-o", link, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"],
    ]


def plug(fabric: Fabric, number: int, namespace: str) -> None:
    """Give a host's namespace one interface per network: eth0, eth1…"""
    host = ("ip", "-n", namespace)
    for network in range(fabric.networks):
        port, name = fabric.port(number, network), f"eth{network}"
        run("ip", "-n", fabric.namespace, "link", "add", port, "type", "veth", "peer", "name", name, "netns", namespace)
        run("ip", "-n", fabric.namespace, "link", "set", port, "master", f"net{network}", "up")
        run(*host, "address", "add", f"{fabric.address(network, number)}/24", "dev", name)
        run(*host, "link", "set", name, "up")
    run(*host, "link", "set", "lo", "up")
    run(*host, "route", "add", "default", "via", fabric.address(0, MACHINE))


def cut(fabric: Fabric, number: int, network: int, carrier: bool) -> None:
    """Take a host off a network: silently, its link stays up; or with its carrier, as when the cable is pulled."""
    port = fabric.port(number, network)
    run("ip", "-n", fabric.namespace, "link", "set", port, *(("down",) if carrier else ("nomaster",)))


def heal(fabric: Fabric, number: int, network: int) -> None:
    """Put a host back on a network."""
    port = fabric.port(number, network)
    run("ip", "-n", fabric.namespace, "link", "set", port, "master", f"net{network}", "up")


def slow(fabric: Fabric, number: int, network: int, kilobits: int) -> None:
    """Let a host get no more than this per second; 0 ends it."""
    port = ("dev", fabric.port(number, network), "root")
    if kilobits:
        bucket = ("burst", "16kb", "latency", "400ms")
        run("tc", "-n", fabric.namespace, "qdisc", "replace", *port, "tbf", "rate", f"{kilobits}kbit", *bucket)
    else:
        run("tc", "-n", fabric.namespace, "qdisc", "delete", *port)
