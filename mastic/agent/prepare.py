"""A machine with Python → a host: the distribution's own container engine, a few settings of the kernel, no more."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from mastic.agent.engine import Engine, EngineError

Say = Callable[[str], None]
SETTINGS = {"net.ipv4.ip_forward": "1", "net.ipv4.ip_nonlocal_bind": "1"}
"""Routers of tenants forward; a load balancer listens on an address that another host may have at this moment."""
SETTINGS_FILE = Path("/etc/sysctl.d/60-mastic.conf")
ANSWER_SECONDS = 60


class CannotPrepare(EngineError):
    """Why the machine cannot become a host; the text is for people."""


def prepare(engine: Engine, say: Say, root: Path = Path("/")) -> list[str]:
    """What was changed; empty when nothing had to be. Raises CannotPrepare."""
    done = []
    if not answers(engine):
        if not (root / "usr/sbin/dockerd").exists():
            done.append(install(root, say))
        start(engine, root, say)
        done.append("started the engine")
    return [*done, *set_kernel(root)]


def answers(engine: Engine) -> bool:
    try:
        engine.version()
    except EngineError:
        return False
    return True


def install(root: Path, say: Say) -> str:
    """The distribution's packages of Docker."""
    system = os_release((root / "etc/os-release").read_text())
    if "debian" not in f"{system.get('ID', '')} {system.get('ID_LIKE', '')}".split():
        raise CannotPrepare(
            f"no container engine answers, and how `{system.get('PRETTY_NAME')}` installs one is unknown"
        )
    packages = ["docker.io", "iptables"]
    say(f"installing {' '.join(packages)}")
    apt("update")
    # Newer releases have the client in a package of its own.
    if run("apt-cache", "show", "docker-cli").returncode == 0:
        packages.append("docker-cli")
    apt("install", "--no-install-recommends", "--yes", *packages)
    return f"installed {', '.join(packages)}"


def os_release(text: str) -> dict[str, str]:
    """The lines of /etc/os-release."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key: value.strip('"') for key, _, value in pairs}


def start(engine: Engine, root: Path, say: Say) -> None:
    """With systemd where it is, else as a process of its own."""
    say("starting the engine")
    if (root / "run/systemd/system").is_dir():
        run("systemctl", "enable", "--now", "docker.service")
    else:
        log = os.open("/var/log/dockerd.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        null = subprocess.DEVNULL
        subprocess.Popen(["dockerd"], stdin=null, stdout=log, stderr=log, start_new_session=True)
    end = time.monotonic() + ANSWER_SECONDS
    while not answers(engine):
        if time.monotonic() > end:
            raise CannotPrepare(f"the engine does not answer {ANSWER_SECONDS} s after its start, see its log")
        time.sleep(0.2)


def set_kernel(root: Path) -> list[str]:
    """Settings that are not as they have to be, now and after the next boot."""
    wrong = {name: value for name, value in SETTINGS.items() if current(root, name) != value}
    for name, value in wrong.items():
        setting(root, name).write_text(value)
    text = "".join(f"{name} = {value}\n" for name, value in SETTINGS.items())
    file = root / str(SETTINGS_FILE).lstrip("/")
    if not file.exists() or file.read_text() != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return [f"set {name} to {value}" for name, value in wrong.items()]


def current(root: Path, name: str) -> str:
    return setting(root, name).read_text().strip()


def setting(root: Path, name: str) -> Path:
    return root / "proc/sys" / name.replace(".", "/")


def apt(*arguments: str) -> None:
    done = run("apt-get", "--quiet", *arguments)
    if done.returncode:
        last = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()][-3:]
        raise CannotPrepare(f"apt-get {arguments[0]} failed: {' / '.join(last)}")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
