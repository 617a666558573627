"""A machine of its own with mastic on it: controller and host in one, whose power can go at any moment."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from tests.build.standing import standing
from tests.hosts import cgroups, host, lab, seed
from tests.hosts.host import Host
from tests.hosts.lab import Wanted
from tests.hosts.root import Root, engine_root

REPOSITORY = Path(__file__).parents[2]
NAME = "h1"
CLOUD = "/root/cloud.yml"
DEFINITION = """cloud: alone
hosts: {{h1: {{connection: local, address: 127.0.0.1}}}}
services: [mariadb]
settings: {{mariadb: {{max_connections: {connections}}}}}
"""
SUITES = {(3, 11): "bookworm", (3, 13): "trixie"}
"""Python of this machine → the release of Debian that has the same: packages are copied as they are."""
CLIENT = "docker exec mariadb mariadb --no-defaults --socket=/run/mysqld/mysqld.sock --batch --skip-column-names"


@dataclass(frozen=True)
class Machine:
    """A host that is on or off."""

    host: Host

    def shell(self, script: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        return self.host.run("sh", "-c", shlex.quote(script), seconds=seconds)

    def define(self, connections: int) -> None:
        """Write the cloud definition."""
        self.host.output("tee", CLOUD, stdin=DEFINITION.format(connections=connections))

    def mastic(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.shell(command(*words), 300)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command that goes on beside us, saying its events."""
        ssh = ("ssh", "-F", str(self.host.config), NAME, "--", command(*words, "--json"))
        return subprocess.Popen(ssh, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def query(self, statement: str) -> list[str]:
        done = self.shell(f"{CLIENT} --execute={shlex.quote(statement)}")
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    def steps(self) -> list[str]:
        """What an apply would do."""
        (plan,) = [json.loads(line) for line in self.mastic("plan", "--json").stdout.splitlines()]
        return [step["id"] for step in plan["steps"]]

    def lose_power(self) -> None:
        """Everything ends at once: engine, containers, agent, controller."""
        host.kill(self.host)

    def power_on(self) -> None:
        """Returns when the engine answers."""
        host.boot(self.host)
        lab.wait_for(self.host)

    def kill_engine(self) -> None:
        """Only the engine's own processes end."""
        for process in cgroups.processes(self.host.id):
            with suppress(FileNotFoundError, ProcessLookupError):
                if Path(f"/proc/{process}/comm").read_text().strip() in ("dockerd", "containerd"):
                    os.kill(process, signal.SIGKILL)

    def start_engine(self) -> None:
        """Returns when it answers."""
        self.shell("rm -f /var/run/docker.pid; setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null &")
        lab.wait_for(self.host)


def hear(running: subprocess.Popen[str], line: str) -> None:
    """Return right when a command says this, as `started write:mariadb@h1`; it goes on meanwhile."""
    heard = (json.loads(each) for each in running.stdout or ())
    assert any(f"{said.get('state')} {said.get('id')}" == line for said in heard), f"never said: {line}"


def command(*words: str) -> str:
    return shlex.join(["env", "PYTHONPATH=/opt/mastic:/opt/site", "python3", "-m", "mastic", *words, "--cloud", CLOUD])


@contextmanager
def machine() -> Iterator[Machine]:
    """One that is on, has an engine, the image of the database, and mastic; nothing was applied yet."""
    kind: Root = engine_root(SUITES[sys.version_info[:2]])
    store = seed.make_seed(seed.Seed(kind, standing("mariadb")))
    made = lab.make_lab(Wanted({NAME: kind}))
    try:
        install(made[NAME].folder / "upper/opt")
        seed.plant(made[NAME], store)
        lab.boot(made)
        found = Machine(made[NAME])
        found.define(100)
        yield found
    finally:
        lab.destroy(made)


def install(target: Path) -> None:
    """mastic, its catalogue, and the packages it needs."""
    for name in ("mastic", "catalogue"):
        shutil.copytree(REPOSITORY / name, target / "mastic" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for package in needed("mastic", {}).values():
        for file in package.files or ():
            source = Path(str(package.locate_file(file)))
            if ".." not in file.parts and source.suffix != ".pyc" and source.is_file():
                copy = target / "site" / file
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, copy)


def needed(name: str, found: dict[str, Distribution]) -> dict[str, Distribution]:
    """Installed packages that one needs, directly or not; extras are left out."""
    for said in distribution(name).requires or ():
        requirement = re.split(r"[^A-Za-z0-9._-]", said, maxsplit=1)[0]
        if "extra ==" in said or requirement in found:
            continue
        try:
            found[requirement] = distribution(requirement)
        except PackageNotFoundError:  # of another platform or Python
            continue
        needed(requirement, found)
    return found
