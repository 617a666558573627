"""The catalogue's own cloud on hosts of the harness: control and compute hosts, and the networks between them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mastic.build.graph import image_graph
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from tests.build.standing import standing
from tests.e2e.lab import EXAMPLE, REPOSITORY, Finished, run
from tests.hosts import fabric, lab, seed, shell
from tests.hosts.fabric import Fabric
from tests.hosts.lab import Lab
from tests.hosts.root import engine_root

MANAGEMENT, EXTERNAL, TUNNELS = 0, 1, 2
"""Networks of the lab; eth0, eth1 and eth2 of every host."""
VIRTUAL, POOL = 200, (100, 180)
"""Last numbers of the address of the APIs, and of floating addresses."""


@dataclass(frozen=True)
class Wanted:
    """How many hosts of which kind."""

    control: int
    compute: int

    @property
    def names(self) -> list[str]:
        return [f"ctl{number + 1}" for number in range(self.control)] + [
            f"cmp{number + 1}" for number in range(self.compute)
        ]


@dataclass(frozen=True)
class Cloud:
    """What an operator has: a definition, its state, and the machines."""

    folder: Path
    lab: Lab

    @property
    def clouds_yaml(self) -> Path:
        return self.folder / "state/many/clouds.yaml"

    def mastic(self, *words: str) -> Finished:
        """Run the command as an operator would."""
        environment = {
            **os.environ,
            "MASTIC_STATE": str(self.folder / "state"),
            "MASTIC_VAULT_PASSWORD_FILE": str(self.folder / "vault-password"),
        }
        command = [sys.executable, "-m", "mastic", *words, "--cloud", str(self.folder / "cloud.yml")]
        return run(command, 1800, environment)

    def started(self) -> dict[str, str]:
        """Every container of every host → since when it runs."""
        found: dict[str, str] = {}
        for host in self.lab.hosts:
            names = host.output("docker", "ps", "--quiet").split()
            told = host.output("docker", "inspect", "-f", "'{{.Name}} {{.State.StartedAt}}'", *names) if names else ""
            found |= {f"{name}@{host.name}": since for name, since in (line.split() for line in told.splitlines())}
        return found


@contextmanager
def many_hosts(wanted: Wanted, folder: Path) -> Iterator[Cloud]:
    """Hosts that have every image, as if they had pulled them; nothing of the cloud runs yet."""
    made = lab.make_lab(lab.Wanted({name: engine_root("trixie") for name in wanted.names}, networks=3))
    try:
        _join_external(made.fabric)
        (folder / "cloud.yml").write_text(yaml.safe_dump(definition(made, wanted), sort_keys=False), encoding="utf-8")
        _give_images(made, folder / "cloud.yml")
        lab.boot(made)
        for host in made.hosts:
            host.output("ip", "address", "flush", "dev", f"eth{TUNNELS}")
        yield Cloud(folder, made)
    finally:
        _leave_external(made.fabric)
        lab.destroy(made)


def definition(made: Lab, wanted: Wanted) -> dict[str, Any]:
    """The example's services on these hosts."""
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    wires = made.fabric
    network = {
        "external_interface": f"eth{EXTERNAL}",
        "external_network_cidr": f"{wires.address(EXTERNAL, 0)}/24",
        "external_network_gateway": wires.address(EXTERNAL, fabric.MACHINE),
        "external_pool_start": wires.address(EXTERNAL, POOL[0]),
        "external_pool_end": wires.address(EXTERNAL, POOL[1]),
    }
    said: dict[str, Any] = {
        "cloud": "many",
        "hosts": {host.name: _host(made, host.name) for host in made.hosts},
        "services": [*example["services"], *(["keepalived"] if wanted.control > 1 else [])],
        "settings": {
            "neutron": network,
            "openvswitch": {"network_datapath": "netdev", "tunnel_interface": f"eth{TUNNELS}"},
            "mariadb": {"buffer_pool": "128M"},
        },
    }
    if wanted.control > 1:
        said["api_address"] = wires.address(MANAGEMENT, VIRTUAL)
    return said


def _host(made: Lab, name: str) -> dict[str, Any]:
    host = made[name]
    groups = ["control"] if name.startswith("ctl") else ["compute", *(["network"] if name == "cmp1" else [])]
    tunnels = host.address(TUNNELS)
    settings = {"openvswitch": {"tunnel_bridge_address": f"{tunnels}/24"}, "ovn": {"tunnel_address": tunnels}}
    return {"address": host.address(), "groups": groups, "ansible": lab.variables(host), "settings": settings}


def _give_images(made: Lab, file: Path) -> None:
    graph = image_graph(load_catalogue(REPOSITORY / "catalogue"), load_cloud(file))
    references = standing(*graph.references, graph=graph)
    store = seed.make_seed(seed.Seed(engine_root("trixie"), tuple(sorted(references))))
    for host in made.hosts:
        seed.plant(host, store)


def _link(wires: Fabric) -> str:
    return f"m{wires.lab}ext"


def _join_external(wires: Fabric) -> None:
    """The machine is the external network's gateway."""
    link = _link(wires)
    shell.run("ip", "link", "add", link, "type", "veth", "peer", "name", "outside", "netns", wires.space)
    fabric.inside(wires.space, "ip", "link", "set", "outside", "master", f"net{EXTERNAL}", "up")
    shell.run("ip", "address", "add", f"{wires.address(EXTERNAL, fabric.MACHINE)}/24", "dev", link)
    shell.run("ip", "link", "set", link, "up")


def _leave_external(wires: Fabric) -> None:
    subprocess.run(["ip", "link", "delete", _link(wires)], capture_output=True, check=False)
