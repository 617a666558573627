"""`python -m mastic.execute.remote.carrier`: ansible-core as a process that makes one call after the other.

The first line on stdin says how hosts are reached, each further one asks for a call: one play of one task, on all its
hosts at once. A process of its own, because ansible-core forks, and changes signals and streams of who uses it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from ansible import constants, context
from ansible.cli import CLI
from ansible.errors import AnsibleError
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.plugins.loader import action_loader, callback_loader, init_plugin_loader
from ansible.vars.manager import VariableManager

from mastic.execute.remote.answers import tell

PLUGINS = Path(__file__).parent / "plugins"
SAID_BY_COMMAND_LINES = {
    "become": None,
    "become_method": None,
    "become_user": None,
    "become_ask_pass": False,
    "check": False,
    "connection": "smart",
    "diff": False,
    "module_path": None,
    "private_key_file": None,
    "remote_user": None,
    "start_at_task": None,
    "step": False,
    "syntax": False,
    "verbosity": 0,
}


def main() -> None:
    """Until nothing more is asked."""
    context.CLIARGS = ImmutableDict(SAID_BY_COMMAND_LINES)
    init_plugin_loader()
    action_loader.add_directory(str(PLUGINS / "action"))
    callback_loader.add_directory(str(PLUGINS / "callback"))
    carrier: Carrier | None = None
    for line in sys.stdin:
        said = json.loads(line)
        try:
            if carrier is None:
                carrier = Carrier(said)
            else:
                carrier.call(said)
        except AnsibleError as error:
            tell(error=str(error))
            if carrier is None:
                return
        tell(done=True)


class Carrier:
    """An inventory that was read once."""

    def __init__(self, reach: dict[str, Any]) -> None:
        self.loader = DataLoader()
        sources = [reach["inventory"]] if reach["inventory"] else []
        secrets = CLI.setup_vault_secrets(
            self.loader,
            vault_ids=constants.DEFAULT_VAULT_IDENTITY_LIST,
            vault_password_files=[],
            ask_vault_pass=False,
            auto_prompt=False,
        )
        self.loader.set_vault_secrets(secrets)
        self.inventory = InventoryManager(loader=self.loader, sources=sources)
        for name, variables in reach["hosts"].items():
            self.inventory.add_host(name)
            for key, value in variables.items():
                self.inventory.get_host(name).set_variable(key, value)
        self.variables = VariableManager(loader=self.loader, inventory=self.inventory)

    def call(self, said: dict[str, Any]) -> None:
        """The same subcommand on every host; the agents' programs and answers go through the socket."""
        arguments = {name: said[name] for name in ("agent", "socket", "subcommand")}
        play = {
            "name": "mastic",
            "hosts": said["hosts"],
            "gather_facts": False,
            "tasks": [{"name": "call", "mastic_agent": arguments}],
        }
        manager = TaskQueueManager(
            inventory=self.inventory,
            variable_manager=self.variables,
            loader=self.loader,
            passwords={},
            stdout_callback_name="mastic_calls",
            run_additional_callbacks=False,
            forks=said["forks"],
        )
        try:
            manager.run(Play().load(play, variable_manager=self.variables, loader=self.loader))
        finally:
            manager.cleanup()


if __name__ == "__main__":
    os.set_inheritable(3, False)
    main()
