"""One host: a root shared with others, a disk, networks and processes of its own; all of it real but the kernel."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.hosts import cgroups, fabric
from tests.hosts.fabric import Fabric
from tests.hosts.shell import FOLDER, run, until

FIRST = 10
"""Last number of the first host's addresses."""
SSHD = """PermitRootLogin prohibit-password
HostKey /etc/ssh/ssh_host_ed25519_key
UsePAM no
UseDNS no
MaxStartups 200
MaxSessions 100
"""


@dataclass(frozen=True)
class Host:
    """Where everything of a host is; it may be running or not."""

    fabric: Fabric
    number: int
    name: str
    root: Path
    folder: Path
    config: Path
    """How ssh reaches the hosts of this lab."""

    @property
    def id(self) -> str:
        """Its cgroups."""
        return f"m{self.fabric.lab}{self.name}"

    @property
    def space(self) -> Path:
        """Its network namespace; it outlives a power off."""
        return self.fabric.space_of(self.name)

    def address(self, network: int = 0) -> str:
        return self.fabric.address(network, FIRST + self.number)

    def run(self, *command: str, stdin: str = "", seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """A command over ssh."""
        ssh = ["ssh", "-F", str(self.config), self.name, "--", *command]
        return subprocess.run(ssh, input=stdin, capture_output=True, text=True, timeout=seconds, check=False)

    def output(self, *command: str, stdin: str = "", seconds: float = 120) -> str:
        """What a command that has to succeed wrote."""
        done = self.run(*command, stdin=stdin, seconds=seconds)
        if done.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(command)}: exit code {done.returncode}\n{done.stderr.strip()}")
        return done.stdout

    def path(self, inside: str) -> Path:
        """A file of the running host as the machine sees it."""
        return Path(f"/proc/{self.init()}/root") / inside.lstrip("/")

    def init(self) -> int:
        """The host's first process."""
        outer = int((self.folder / "pid").read_text())
        return int(Path(f"/proc/{outer}/task/{outer}/children").read_text().split()[0])


def install(host: Host, key: str) -> None:
    """An empty disk, with a host key and the lab's key as the only way in."""
    for name in ("upper", "work", "root", "docker"):
        (host.folder / name).mkdir(parents=True)
    ssh, etc = host.folder / "upper/root/.ssh", host.folder / "upper/etc"
    for folder in (ssh, etc / "ssh/sshd_config.d"):
        folder.mkdir(parents=True)
    ssh.parent.chmod(0o700)
    ssh.chmod(0o700)
    (ssh / "authorized_keys").write_text(key)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", host.name, "-f", etc / "ssh/ssh_host_ed25519_key")
    (etc / "ssh/sshd_config.d/hosts.conf").write_text(SSHD)
    (etc / "hostname").write_text(f"{host.name}\n")
    shutil.copy(FOLDER / "init.sh", etc / "host-init")


def boot(host: Host) -> None:
    """Power on; the disk is as the last power off left it."""
    if not host.space.exists():
        fabric.make_space(host.space)
        fabric.plug(host.fabric, FIRST + host.number, host.space)
    groups = cgroups.make(host.id)
    spaces = ["--mount", "--uts", "--ipc", "--pid", "--cgroup", "--fork", "--kill-child"]
    enter = ["sh", str(FOLDER / "enter.sh"), str(host.root), str(host.folder), host.name]
    with (host.folder / "console.log").open("ab") as console:
        started = subprocess.Popen(
            ["nsenter", f"--net={host.space}", "unshare", *spaces, *enter],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
            preexec_fn=_joining(groups),  # noqa: PLW1509 - nothing else runs between fork and exec
        )
    (host.folder / "pid").write_text(str(started.pid))
    _STARTED[host.id] = started


_STARTED: dict[str, subprocess.Popen[bytes]] = {}
"""Hosts that this process booted: it is their parent and has to take note of their end."""


def _joining(groups: list[Path]) -> Callable[[], None]:
    """Into the host's groups before it has namespaces of its own, so that it sees them as the top."""

    def join() -> None:
        for group in groups:
            group.write_text(str(os.getpid()))

    return join


def kill(host: Host) -> None:
    """Power off without a word: nothing of the host runs any longer, its disk stays."""
    cgroups.kill(host.id)
    if started := _STARTED.pop(host.id, None):
        started.wait()
    until(f"{host.name} is off", lambda: not cgroups.processes(host.id), 20)


def is_on(host: Host) -> bool:
    """Whether the host has processes."""
    return bool(cgroups.processes(host.id))


def hang(host: Host) -> None:
    """Every process stands still; the links stay up and the kernel still answers a ping."""
    cgroups.freeze(host.id, True)


def go_on(host: Host) -> None:
    """A host that hung goes on where it was."""
    cgroups.freeze(host.id, False)


def destroy(host: Host) -> None:
    """Power off and throw away the disk."""
    kill(host)
    cgroups.remove(host.id)
    fabric.remove_space(host.space)
    shutil.rmtree(host.folder, ignore_errors=True)
    if host.folder.exists():
        raise RuntimeError(f"something still lies in {host.folder}")


def answers(host: Host) -> bool:
    """Whether ssh lets one in."""
    return host.run("true", seconds=20).returncode == 0


def has_engine(host: Host) -> bool:
    """Whether the container engine answers."""
    return host.run("docker", "version", seconds=20).returncode == 0
