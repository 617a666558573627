"""Calls of many hosts' agents through a carrier: a socket that every agent's lines go through."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, Thread
from typing import Any
from weakref import finalize

from mastic.errors import HostError, Place, Problem
from mastic.execute.conversation import UNREACHABLE, Message
from mastic.execute.remote.answers import CHANNEL
from mastic.execute.remote.reach import Reach
from mastic.execute.zipapp import agent_zipapp

FORKS = 50
"""Hosts that are called at the same time; each is a process of 10 MB on this machine."""
SSH_ARGS = "-o ControlMaster=auto -o ControlPersist=60s -o ServerAliveInterval=5 -o ServerAliveCountMax=6"
"""A host that hangs is given up after half a minute; unless the operator's own configuration says otherwise."""


BROKEN = 1
"""Exit code of an agent that could not say its own."""


class RemoteAgent:
    """An agent on another host; until it is connected its lines wait."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.connected: Future[Connected | str] = Future()
        self._lock = Lock()
        self._ended: tuple[int, str] | None = None
        self._call_ended: Future[str] = Future()

    def streams(self) -> bool:
        line = self.connected.result()
        return isinstance(line, Connected) and line.streams

    def send(self, message: Message) -> None:
        line = self.connected.result()
        with self._lock, suppress(OSError):
            if isinstance(line, Connected):
                line.socket.sendall(json.dumps(message).encode() + b"\n")

    def hang_up(self) -> None:
        line = self.connected.result()
        with self._lock, suppress(OSError):
            if isinstance(line, Connected):
                line.socket.shutdown(socket.SHUT_WR)

    def lines(self) -> Iterator[str]:
        line = self.connected.result()
        if isinstance(line, str):
            self._ended = (UNREACHABLE, line)
            return
        with suppress(ConnectionResetError):
            for text in line.file:
                if call := json.loads(text).get("call"):
                    self._ended = (call["ended"], call["words"])
                    self.hang_up()
                else:
                    yield text

    def end(self) -> tuple[int, str]:
        return self._ended or (BROKEN, self._call_ended.result())

    def call_ended(self, why: str) -> None:
        """What the call ended with, also when the agent was never connected."""
        for future in (self._call_ended, self.connected):
            with suppress(InvalidStateError):
                future.set_result(why)

    def close(self) -> None:
        self.call_ended("the call was given up")
        line = self.connected.result()
        if isinstance(line, Connected):
            line.file.close()
            line.socket.close()


@dataclass(frozen=True)
class Connected:
    """The way to an agent."""

    socket: socket.socket
    file: Any
    """What it says, line by line."""
    streams: bool


class Carriers:
    """Carrier processes; one that has no call is kept for the next, because starting one takes most of a second."""

    def __init__(self, reach: Reach, state: Path) -> None:
        self._reach = reach
        self.log = state / "ansible.log"
        """What ansible-core itself has to say."""
        self._state = state
        self._idle: list[Carrier] = []
        self._lock = Lock()
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        """Every call that was made: subcommand and hosts."""
        finalize(self, _end, self._idle)

    @contextmanager
    def call(self, subcommand: str, hosts: Sequence[str]) -> Iterator[Mapping[str, RemoteAgent]]:
        """Call the hosts' agents. Raises HostError when ansible-core cannot even begin."""
        self.calls.append((subcommand, tuple(hosts)))
        agents = {host: RemoteAgent(host) for host in hosts}
        with TemporaryDirectory(prefix="mastic-") as folder, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{folder}/line")
            listener.listen(len(hosts))
            Thread(target=_accept, args=(listener, agents), daemon=True).start()
            carrier = self._take()
            asked = {"hosts": list(hosts), "subcommand": subcommand, "socket": f"{folder}/line", "forks": FORKS}
            waiter = Thread(target=carrier.call, args=({**asked, "agent": str(self._agent())}, agents), daemon=True)
            waiter.start()
            try:
                yield agents
            finally:
                for agent in agents.values():
                    agent.close()
                waiter.join()
                self._give_back(carrier)
                with suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)

    def _agent(self) -> Path:
        return agent_zipapp(self._state / "agent")

    def _take(self) -> Carrier:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return Carrier(self._reach, self.log)

    def _give_back(self, carrier: Carrier) -> None:
        with self._lock:
            self._idle.append(carrier)


class Carrier:
    """One process that runs `carrier.py`."""

    def __init__(self, reach: Reach, log: Path) -> None:
        mine, its = os.pipe()
        self._answers = os.fdopen(mine)
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START.format(its=its, channel=CHANNEL)],
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                pass_fds=(its,),
                start_new_session=True,  # a Ctrl-C at the terminal must not cut off the agents' steps
                env=_environment(),
                text=True,
            )
        os.close(its)
        self._ask(asdict(reach))
        for answer in self._told():
            raise HostError(Problem(f"ansible-core cannot use the inventory: {answer['error']}", _place(reach)))

    def call(self, asked: dict[str, Any], agents: Mapping[str, RemoteAgent]) -> None:
        """Returns when every host's agent has ended or could not be called."""
        self._ask(asked)
        why = "ansible-core made no call"
        for answer in self._told():
            why = answer.get("error") or answer["message"]
            for host in [answer["host"]] if "host" in answer else list(agents):
                agents[host].call_ended(why)
        for agent in agents.values():
            agent.call_ended(why)

    def end(self) -> None:
        """Nothing more will be asked."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()
        self._answers.close()

    def _ask(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _told(self) -> Iterator[dict[str, Any]]:
        """Everything but the word that it is done."""
        for line in self._answers:
            answer = json.loads(line)
            if answer.get("done"):
                return
            yield answer
        yield {"error": f"its process ended with code {self._process.wait()}, see ansible.log"}


def _end(idle: list[Carrier]) -> None:
    while idle:
        idle.pop().end()


_START = (
    "import os, runpy, sys; os.dup2({its}, {channel}); sys.argv = ['mastic-carrier']; "
    "runpy.run_module('mastic.execute.remote.carrier', run_name='__main__')"
)


def _place(reach: Reach) -> Place | None:
    return Place(reach.inventory) if reach.inventory else None


def _environment() -> dict[str, str]:
    """The operator's own, and what mastic needs where it says nothing."""
    ours = {"ANSIBLE_SSH_ARGS": SSH_ARGS, "ANSIBLE_HOST_KEY_CHECKING": "True"}
    package = str(Path(__file__).resolve().parents[3])
    return {
        **ours,
        **os.environ,
        "PYTHONPATH": package,
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
    }


def _accept(listener: socket.socket, agents: Mapping[str, RemoteAgent]) -> None:
    """Give every connection to the agent it says it is for."""
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            file = connection.makefile("r", encoding="utf-8")
            hello = json.loads(file.readline())["call"]
            with suppress(InvalidStateError):
                agents[hello["host"]].connected.set_result(Connected(connection, file, hello["streams"]))
