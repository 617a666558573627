"""A workload's health declaration → whether it serves, asked from the host."""

from __future__ import annotations

import http.client
import shlex
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mastic.agent.engine import Container, Engine, EngineError

PROBE_SECONDS = 5.0
"""A worker that imports on a busy machine answers late; a shorter limit only makes it answer twice."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.5
NEXT_END = 2.0
FIRST_COMMAND_PAUSE, LONGEST_COMMAND_PAUSE = 0.2, 1.5
"""A command in a container costs about 0.1 s of processor time, which the starting processes need themselves."""
SETTLE_SECONDS = 1.0
"""How long a workload without a health declaration must have run."""
LAST_LINES = 20
CRASHES = (134, 135, 136, 139)
"""Exit codes of processes that died of SIGABRT, SIGBUS, SIGFPE, SIGSEGV."""
AMQP_HEADER = b"AMQP\x00\x00\x09\x01"


class Unhealthy(Exception):
    """A probe's answer was not the expected one; the text says what came instead."""


class NotServing(Exception):
    """A workload did not become healthy."""

    def __init__(self, message: str, log: list[str]) -> None:
        super().__init__(message)
        self.log = log


@dataclass(frozen=True)
class Subject:
    """The container to wait for and how to ask it."""

    engine: Engine
    container: str
    health: dict[str, Any] | None

    def probe(self) -> None:
        """Raises Unhealthy."""
        health = self.health or {}
        if health.get("http"):
            probe_http(health["http"])
        elif health.get("handshake"):
            HANDSHAKES[health["handshake"]](health["tcp"])
        elif health.get("tcp"):
            connect(health["tcp"]).close()
        elif health.get("command"):
            self.probe_command(health["command"])

    def probe_command(self, command: str) -> None:
        try:
            code, output = self.engine.execute(self.container, shlex.split(command), None, PROBE_SECONDS * 2)
        except EngineError as error:
            raise Unhealthy(str(error)) from error
        if code != 0:
            raise Unhealthy(f"`{command}` exited with {code}: {last_line(output)}")

    @property
    def seconds(self) -> float:
        return float((self.health or {}).get("seconds") or 60)

    @property
    def pauses(self) -> tuple[float, float]:
        """Seconds between two questions: at first, and at most."""
        if (self.health or {}).get("command"):
            return FIRST_COMMAND_PAUSE, LONGEST_COMMAND_PAUSE
        return FIRST_PAUSE, LONGEST_PAUSE

    @property
    def has_probe(self) -> bool:
        return any((self.health or {}).get(kind) for kind in ("http", "tcp", "handshake", "command"))


def wait_until_healthy(subject: Subject, restarts: int) -> str:
    """Poll, soon and then less often, until the workload serves; `restarts` is the engine's count before the start.

    Returns what is worth telling. Raises NotServing at once when the process ends, or after the declared seconds.
    """
    began, (pause, longest) = time.monotonic(), subject.pauses
    while True:
        ensure_running(subject, restarts)
        answer = ask(subject, time.monotonic() - began)
        if answer is None:
            crashes = ensure_running(subject, restarts) - restarts
            return "ended once while starting; the engine started it again" if crashes else ""
        if time.monotonic() - began > subject.seconds:
            message = f"`{subject.container}` did not become healthy in {subject.seconds:.0f} s: {answer}"
            raise NotServing(message, last_log(subject))
        watch(subject, restarts, pause)
        pause = min(pause * 1.3, longest)


def watch(subject: Subject, restarts: int, seconds: float) -> None:
    """Let time pass, but notice when the process ends: the engine shows its exit code for 0.1 s only."""
    try:
        code = subject.engine.wait(subject.container, seconds)
    except EngineError:
        ensure_running(subject, restarts)
        raise
    if code is not None and code not in CRASHES:
        raise NotServing(ended(subject.container, code), last_log(subject))


def ask(subject: Subject, waited: float) -> str | None:
    """None when healthy, else what is wrong."""
    if not subject.has_probe:
        return None if waited >= SETTLE_SECONDS else "has just started"
    try:
        subject.probe()
    except Unhealthy as error:
        return str(error)
    return None


def ensure_running(subject: Subject, restarts: int) -> int:
    """How often the engine has restarted the container. Raises NotServing when the process has ended.

    One crash that the engine repairs is forgiven: ovn-controller 25.03 was seen to die of SIGSEGV in its first second,
    just after it had made its bridge, and to serve from its second start on. An exit by the program's own decision is
    not forgiven: it would only come again.
    """
    found = subject.engine.inspect(subject.container)
    if found is None:
        raise NotServing(f"container `{subject.container}` is gone", [])
    repaired = found.state == "running" or (found.state == "restarting" and found.exit_code in CRASHES)
    if not repaired or found.restarts > restarts + 1:
        raise NotServing(ended(found.name, last_code(subject, found)), last_log(subject))
    return found.restarts


def last_code(subject: Subject, found: Container) -> int | None:
    """The exit code; when the engine has started the process again already, that of its next end."""
    return subject.engine.wait(subject.container, NEXT_END) if found.exit_code is None else found.exit_code


def ended(container: str, code: int | None) -> str:
    told = "an unknown code" if code is None else f"code {code}"
    return f"`{container}` exited with {told} before it was healthy"


def last_log(subject: Subject) -> list[str]:
    """Last lines the container said; none when the engine cannot tell."""
    try:
        return subject.engine.logs(subject.container, LAST_LINES)
    except EngineError:
        return []


def last_line(output: str) -> str:
    return (output.strip().splitlines() or [""])[-1][:200]


def connect(address: str) -> socket.socket:
    """A connection to `address:port`. Raises Unhealthy."""
    host, _, port = address.rpartition(":")
    try:
        return socket.create_connection((host.strip("[]"), int(port)), PROBE_SECONDS)
    except OSError as error:
        raise Unhealthy(f"`{address}` does not accept connections ({error.strerror or error})") from error


def probe_http(url: str) -> None:
    """Any status below 400 is healthy; certificates are not checked, health is not about trust."""
    parts = urlsplit(url)
    address, path = parts.netloc, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(address, timeout=PROBE_SECONDS, context=trusting())
    else:
        connection = http.client.HTTPConnection(address, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path, headers={"User-Agent": "mastic-agent"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise Unhealthy(f"`{url}` does not answer ({getattr(error, 'strerror', None) or error})") from error
    finally:
        connection.close()
    if status >= 400:
        raise Unhealthy(f"`{url}` answers {status}")


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def probe_mysql(address: str) -> None:
    """The server's greeting: packet 0 with protocol version 10 (255 is an error packet)."""
    greeting = exchange(address, b"", 5)
    if greeting[3:4] != b"\x00" or greeting[4:5] != b"\x0a":
        raise Unhealthy(f"`{address}` does not greet as a MySQL server")


def probe_amqp(address: str) -> None:
    """Connection.Start (class 10, method 10) as answer to the protocol header."""
    answer = exchange(address, AMQP_HEADER, 11)
    if answer[:1] != b"\x01" or answer[7:11] != b"\x00\x0a\x00\x0a":
        raise Unhealthy(f"`{address}` does not answer as an AMQP broker")


HANDSHAKES: dict[str, Callable[[str], None]] = {"mysql": probe_mysql, "amqp": probe_amqp}


def exchange(address: str, said: bytes, length: int) -> bytes:
    """Say something and return the first `length` bytes of the answer, fewer when the peer closes."""
    answer = b""
    with connect(address) as connection:
        try:
            connection.sendall(said)
            while len(answer) < length and (more := connection.recv(length - len(answer))):
                answer += more
        except OSError as error:
            raise Unhealthy(f"`{address}` does not answer ({error.strerror or error})") from error
    return answer
