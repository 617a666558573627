"""LocalExecutor: the agent as a child process on this very machine (Plan → Run)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock

from mastic.execute.agents import AgentExecutor
from mastic.execute.conversation import Message
from mastic.execute.zipapp import agent_zipapp


class LocalExecutor(AgentExecutor):
    """Every host is this machine; the agent's file lies in the cloud's state folder."""

    def __init__(self, cloud: str, state: Path) -> None:
        super().__init__(cloud)
        self._state = state

    @contextmanager
    def agents(self, subcommand: str, hosts: Sequence[str]) -> Iterator[Mapping[str, ChildAgent]]:
        """A process per host."""
        command = [sys.executable, "-I", "-S", str(agent_zipapp(self._state / "agent")), subcommand]
        with ExitStack() as open_agents:
            yield {host: open_agents.enter_context(child(command)) for host in hosts}


@contextmanager
def child(command: Sequence[str]) -> Iterator[ChildAgent]:
    """The agent in a session of its own: a Ctrl-C at the terminal must not cut off its steps."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    with process:
        try:
            yield ChildAgent(process)
        finally:
            process.terminate()


class ChildAgent:
    """An agent behind pipes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lock = Lock()

    def streams(self) -> bool:
        return True

    def send(self, message: Message) -> None:
        stdin = self._process.stdin
        with self._lock:
            if stdin and not stdin.closed:
                with suppress(BrokenPipeError):
                    stdin.write(json.dumps(message) + "\n")
                    stdin.flush()

    def hang_up(self) -> None:
        with self._lock, suppress(BrokenPipeError):
            if self._process.stdin:
                self._process.stdin.close()

    def lines(self) -> Iterator[str]:
        return iter(self._process.stdout or ())

    def end(self) -> tuple[int, str]:
        said = self._process.stderr.read().strip() if self._process.stderr else ""
        return self._process.wait(), said.splitlines()[-1] if said else "it said nothing"
