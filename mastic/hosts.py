"""CloudFile → how its hosts are reached, and what they are like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mastic.errors import InputError
from mastic.execute.remote.reach import Reach, write_reach
from mastic.load.cloud import load_hosts
from mastic.load.inventory import inventory_path
from mastic.model.catalogue import CloudFile
from mastic.model.cloud import Host


def reach_of(cloud_file: CloudFile) -> Reach:
    """How ansible-core reaches the hosts; nothing when all of them are this machine."""
    hosts = cloud_file.cloud.hosts
    if all(host.connection == "local" for host in hosts.values()):
        return Reach()
    inventory = inventory_path(cloud_file)
    known = {name: variables_of(host, inventory is not None) for name, host in hosts.items()}
    return Reach(known, str(inventory) if inventory else None)


def variables_of(host: Host, in_inventory: bool) -> dict[str, Any]:
    """Ansible's variables of one host; an inventory has its own address of it."""
    if host.connection == "local":
        return {"ansible_connection": "local"}
    address = {} if in_inventory else {"ansible_host": host.address}
    return {**address, **host.ansible}


def remember_reach(definition: Path, state: Path) -> None:
    """Keep how the hosts are reached, as far as the definition says so; what is known already stays otherwise."""
    try:
        file = load_hosts(definition)
    except InputError:
        return
    if file.cloud.cloud == state.name:
        write_reach(state, reach_of(file))
