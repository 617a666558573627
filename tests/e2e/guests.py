"""A guest as its user sees it: SSH, pings while something else happens, and the traces it leaves on the host."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from mastic.verify.boot import Guest
from mastic.verify.icmp import answers_ping
from mastic.verify.wait import wait_until
from tests.e2e.lab import Finished, run

SSH_OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "no",
    "UserKnownHostsFile": "/dev/null",
    "LogLevel": "ERROR",
    "ConnectTimeout": "5",
    "IdentitiesOnly": "yes",
}


@dataclass(frozen=True)
class Shell:
    """A way into a guest."""

    guest: Guest
    key_file: Path

    def ssh(self, command: str) -> Finished:
        """Run a command in the guest over its floating IP."""
        options = [f"-o{name}={value}" for name, value in SSH_OPTIONS.items()]
        return run(["ssh", *options, "-i", str(self.key_file), f"root@{self.guest.address}", command], 30)

    def read(self, command: str, seconds: float = 60) -> str:
        """What a command in the guest prints, once it succeeds."""

        def look() -> str | None:
            finished = self.ssh(command)
            return finished.out.strip() if finished.exit_code == 0 else None

        return wait_until(f"`{command}` to succeed in the guest", look, seconds)

    def boot_id(self) -> str:
        """Differs after every boot of the guest's kernel."""
        return self.read("cat /proc/sys/kernel/random/boot_id")

    def answers(self, seconds: float = 90) -> bool:
        """Wait until the guest answers a ping."""
        return wait_until(
            f"{self.guest.address} to answer a ping",
            lambda: True if answers_ping(self.guest.address) else None,
            seconds,
        )


def key_file(guest: Guest, folder: Path) -> Path:
    """The guest's private key as a file for ssh."""
    path = folder / f"{guest.name}.key"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(guest.key.private)
    return path


@dataclass
class Pings:
    """Answers seen while something happened."""

    answered: int = 0
    lost: int = 0
    longest_gap: float = 0.0
    """Seconds between two answers."""
    _last: float = field(default_factory=monotonic)

    def note(self, answer: bool) -> None:
        """Count one."""
        now = monotonic()
        self.longest_gap = max(self.longest_gap, now - self._last)
        if answer:
            self.answered, self._last = self.answered + 1, now
        else:
            self.lost += 1


@contextmanager
def pinging(address: str) -> Iterator[Pings]:
    """Ping all the time until the block ends."""
    pings, over = Pings(), Event()

    def go_on() -> None:
        while not over.wait(0.2):
            pings.note(answers_ping(address, seconds=1))

    thread = Thread(target=go_on)
    thread.start()
    try:
        yield pings
    finally:
        over.set()
        thread.join()


@dataclass(frozen=True)
class Traces:
    """What guests leave on a host."""

    taps: frozenset[str]
    namespaces: frozenset[str]
    processes: frozenset[str]


def traces() -> Traces:
    """Taps, network namespaces and emulator processes on this host now."""
    links = json.loads(run(["ip", "-json", "link"]).succeeded().out)
    taps = {link["ifname"] for link in links if link["ifname"].startswith("tap")}
    namespaces = {path.name for path in Path("/run/netns").glob("ovnmeta-*")}
    return Traces(frozenset(taps), frozenset(namespaces), frozenset(emulators()))


def emulators() -> Iterator[str]:
    """Ids of processes that run a virtual machine."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # ended meanwhile
            continue
        if b"qemu-system" in words[0] and b"-uuid" in words:
            yield folder.name
