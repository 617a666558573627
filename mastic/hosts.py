"""CloudFile → how its hosts are reached, and what they are like."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from mastic.errors import HostError, InputError, Problem
from mastic.execute.agents import AgentExecutor
from mastic.execute.conversation import heard
from mastic.execute.remote.executor import executor_for
from mastic.execute.remote.reach import Reach, write_reach
from mastic.load.cloud import load_hosts
from mastic.load.inventory import inventory_path
from mastic.model.catalogue import CloudFile
from mastic.model.cloud import Host
from mastic.plan.host_check import Look, mtu_of, skew
from mastic.report.host_text import HostRow
from mastic.report.report import Report


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


def executor_of(state: Path, definition: Path) -> tuple[CloudFile, AgentExecutor]:
    """A definition's hosts and the way to them; nothing else of it is looked at."""
    file = load_hosts(definition)
    folder = state / file.cloud.cloud
    write_reach(folder, reach_of(file))
    return file, executor_for(file.cloud.cloud, folder)


def look(state: Path, definition: Path) -> Look:
    """Ask every host what it is."""
    file, executor = executor_of(state, definition)
    began = time.time()
    observed = executor.observe(tuple(file.cloud.hosts))
    return Look(file, observed, began, time.time())


def rows_of(seen: Look) -> list[HostRow]:
    """The hosts that answered."""
    return [_row(seen, name) for name in seen.facts]


def _row(seen: Look, name: str) -> HostRow:
    host, facts = seen.cloud_file.cloud.hosts[name], seen.facts[name]
    return HostRow(
        name,
        host.address,
        host.groups,
        facts.system,
        facts.engine,
        facts.python,
        facts.cpus,
        facts.memory_bytes,
        facts.disk_free_bytes,
        mtu_of(seen, name),
        skew(seen, name),
    )


def prepare_hosts(state: Path, definition: Path, report: Report) -> tuple[dict[str, list[str]], list[Problem]]:
    """Host → what was changed there; and what kept others from being prepared."""
    file, executor = executor_of(state, definition)
    prepared: dict[str, list[str]] = {}
    problems: list[Problem] = []
    with executor.agents("prepare", tuple(file.cloud.hosts)) as agents:
        for agent in agents.values():
            agent.send({})
            agent.hang_up()
        for name, agent in agents.items():
            try:
                for answer in heard(agent, name):
                    if "told" in answer:
                        report.say(f"{name}: {answer['told']}")
                    prepared[name] = answer.get("prepared", [])
            except HostError as error:
                problems += error.problems
    return prepared, problems
