"""Action: connects a host's agent with the mastic process that asked for it; the only task mastic ever runs.

The program comes from a socket, never from an argument, and goes to the agent's standard input; answers come back as
they are said where the connection is ssh or local and asks for no password, else when the agent has ended.
"""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any, BinaryIO

from ansible.plugins.action import ActionBase

from mastic.execute.remote.bootstrap import command


class ActionModule(ActionBase):  # type: ignore[misc]
    """Named so that ansible-core finds it."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call of one host."""
        said = super().run(tmp, task_vars)
        variables = task_vars or {}
        python = str(variables.get("ansible_python_interpreter") or "/usr/bin/python3")
        agent = Path(self._task.args["agent"])
        content = agent.read_bytes()
        line = command(python, len(content), agent.stem.rpartition("-")[2], self._task.args["subcommand"])
        with socket.socket(socket.AF_UNIX) as parent:
            parent.connect(self._task.args["socket"])
            streams = self._can_stream()
            _say(parent, {"host": variables["inventory_hostname"], "streams": streams})
            if streams:
                code, words = _stream(self._argv(line), content, parent)
            else:
                code, words = self._at_once(line, content, parent)
            _say(parent, {"ended": code, "words": words})
            while parent.recv(65536):  # closed with something unread in it, a socket takes back what it said
                pass
        return dict(said, changed=False)

    def _can_stream(self) -> bool:
        """A password is asked for in a dialogue that only the connection itself can lead."""
        connection = self._connection
        become = connection.become
        if become and become.get_option("become_pass", playcontext=self._play_context):
            return False
        return connection.transport == "local" or (
            connection.transport == "ssh" and not (connection.get_option("password") or self._play_context.password)
        )

    def _argv(self, line: str) -> list[bytes | str]:
        """What the connection itself would run."""
        connection = self._connection
        if connection.become:
            line = connection.become.build_become_command(line, connection._shell)
        line = f"/bin/sh -c {shlex.quote(line)}"
        if connection.transport == "local":
            return ["/bin/sh", "-c", line]
        host = connection.get_option("host") or self._play_context.remote_addr
        argv: list[bytes | str] = connection._build_command(connection.get_option("ssh_executable"), "ssh", host, line)
        return argv

    def _at_once(self, line: str, content: bytes, parent: socket.socket) -> tuple[int, str]:
        with parent.makefile("rb") as program:
            content += program.read()
        done = self._low_level_execute_command(line, in_data=content)
        answers = [f"{answer}\n" for answer in done["stdout"].splitlines() if answer.startswith("{")]
        parent.sendall("".join(answers).encode())
        return int(done["rc"]), _last(done["stderr"] or done["stdout"])


def _stream(argv: list[bytes | str], content: bytes, parent: socket.socket) -> tuple[int, str]:
    """Exit code and last words."""
    pipe = subprocess.PIPE
    agent = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe)
    assert agent.stdin and agent.stdout and agent.stderr
    errors: list[bytes] = []
    threads = [
        threading.Thread(target=_feed, args=(parent, content, agent.stdin), daemon=True),
        threading.Thread(target=lambda: errors.append(agent.stderr.read() if agent.stderr else b"")),
    ]
    for thread in threads:
        thread.start()
    noise: list[bytes] = []
    for answer in agent.stdout:
        if answer.startswith(b"{"):
            parent.sendall(answer)
        else:
            noise.append(answer)
    threads[1].join()
    return agent.wait(), _last((b"".join(errors) or b"".join(noise)).decode(errors="replace"))


def _feed(parent: socket.socket, content: bytes, agent: BinaryIO) -> None:
    """The agent itself, then what it is told, until nothing more comes."""
    try:
        agent.write(content)
        agent.flush()
        while part := parent.recv(65536):
            agent.write(part)
            agent.flush()
        agent.close()
    except OSError:
        return  # the agent has ended, and its exit code says why


def _say(parent: socket.socket, message: dict[str, Any]) -> None:
    parent.sendall(json.dumps({"call": message}).encode() + b"\n")


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
