"""AnsibleExecutor: agents on other machines, one call per host and wave through ansible-core (Plan → Run)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from mastic.execute.agents import AgentExecutor
from mastic.execute.local import LocalExecutor
from mastic.execute.remote.calls import Carriers, RemoteAgent
from mastic.execute.remote.reach import Reach, read_reach


class AnsibleExecutor(AgentExecutor):
    """Hosts are where Ansible's inventory says."""

    def __init__(self, cloud: str, state: Path, reach: Reach) -> None:
        super().__init__(cloud)
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.carriers = Carriers(reach, state)

    def agents(self, subcommand: str, hosts: Sequence[str]) -> AbstractContextManager[Mapping[str, RemoteAgent]]:
        """All hosts in one play."""
        return self.carriers.call(subcommand, hosts)


def executor_for(cloud: str, state: Path) -> AgentExecutor:
    """The way to the hosts that is kept with the state: ansible-core when there is any other machine."""
    reach = read_reach(state)
    return AnsibleExecutor(cloud, state, reach) if reach.hosts or reach.inventory else LocalExecutor(cloud, state)
