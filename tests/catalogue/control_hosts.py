"""Control hosts as containers with addresses of their own on a network of the engine: rendered files, real images."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mastic.agent.container import capabilities
from mastic.cli.options import shipped_catalogue
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from mastic.model.cloud import Host
from mastic.model.desired import Desired, PlacedJob, PlacedWorkload
from mastic.model.observed import HostFacts
from mastic.resolve.desired import resolve
from tests.build.standing import LAPTOP, laptop
from tests.hosts.shell import run

NAMES = ("ctl1", "ctl2", "ctl3")


@dataclass(frozen=True)
class Answer:
    """How a command in a container ended."""

    code: int
    text: str


def several(addresses: dict[str, str], *services: str) -> Desired:
    """The example's services, or these alone, on these control hosts instead of one."""
    catalogue, cloud_file = load_catalogue(shipped_catalogue()), load_cloud(LAPTOP)
    hosts = {name: Host(address=address) for name, address in addresses.items()}
    cloud = cloud_file.cloud.model_copy(
        update={
            "hosts": hosts,
            "api_address": next(iter(addresses.values())).rpartition(".")[0] + ".100",
            "services": services or (*cloud_file.cloud.services, *(["keepalived"] if len(addresses) > 1 else [])),
        }
    )
    references = {name: f"mastic/{name}:0" for name in catalogue.image_owners()} | dict(laptop().references)
    facts = {
        name: HostFacts(cpus=2, memory_bytes=8 << 30, disk_free_bytes=50 << 30, addresses=(address,), python="3.13")
        for name, address in addresses.items()
    }
    return resolve(catalogue, replace(cloud_file, cloud=cloud), facts, references, {})


@dataclass(frozen=True)
class ControlHosts:
    """Where containers of control hosts run; names and volumes begin with `mark`."""

    mark: str
    addresses: dict[str, str]
    folder: Path

    @property
    def desired(self) -> Desired:
        return several(self.addresses)

    def workload(self, name: str, host: str) -> PlacedWorkload:
        found = self.desired.workload(f"{name}@{host}")
        assert found is not None
        return found

    def container(self, name: str, host: str) -> str:
        return f"{self.mark}-{host}-{name}"

    def write(self, part: PlacedWorkload | PlacedJob, folder: Path) -> None:
        """Its configuration folder, with a value for every secret."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in part.files:
            text = file.content
            for secret in file.secrets:
                text = text.replace(f"@@secret:{secret}@@", f"value_of_{secret}")
            (folder / file.name).write_text(text)

    def start(self, name: str, host: str, desired: Desired | None = None, beside: str = "") -> None:
        """The container as its spec says, but with an address of its own, or that of the one it stands beside."""
        placed = (desired or self.desired).workload(f"{name}@{host}")
        assert placed is not None
        folder = self.folder / host / name
        self.write(placed, folder)
        own = ["--network", self.mark, "--ip", self.addresses[host]]
        network = ["--network", f"container:{self.container(beside, host)}"] if beside else own
        words = ["-d", "--restart", "unless-stopped", "--name", self.container(name, host)]
        self._make(placed, folder, [*words, *network])

    def job(self, name: str, host: str, command: str, desired: Desired | None = None) -> Answer:
        """A job beside the container it belongs to, in its network; `command` is the job's run or check."""
        placed = next(job for job in (desired or self.desired).jobs if job.id == f"{name}@{host}")
        folder = self.folder / host / name.replace("/", "-")
        self.write(placed, folder)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"command": command}))
        beside = self.container(placed.container.removesuffix(f"_{placed.name}").replace("_", "-"), host)
        return self._make(placed, folder, ["--rm", "--network", f"container:{beside}"], check=False)

    def _make(self, placed: PlacedWorkload | PlacedJob, folder: Path, words: list[str], check: bool = True) -> Answer:
        host, spec = placed.host, placed.spec
        variables = [word for key, value in spec["environment"].items() for word in ("-e", f"{key}={value}")]
        volumes = [
            word
            for mount in spec["mounts"]
            if mount["type"] == "volume"
            for word in ("-v", f"{self.volume(mount['source'], host)}:{mount['target']}")
        ]
        config = ["-v", f"{folder}:/var/lib/kolla/config_files:ro"]
        command = ["docker", "run", "--cap-drop", "ALL", *words, *variables, *volumes, *config, spec["image"]]
        added = [word for name in capabilities(spec, placed.service) for word in ("--cap-add", name)]
        done = subprocess.run([*command[:2], *added, *command[2:]], capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, done.stderr
        return Answer(done.returncode, done.stdout + done.stderr)

    def volume(self, name: str, host: str) -> str:
        return f"{self.mark}-{host}-{name}"

    def execute(self, name: str, host: str, *command: str) -> Answer:
        words = ["docker", "exec", self.container(name, host), *command]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        return Answer(done.returncode, done.stdout + done.stderr)

    def log(self, name: str, host: str) -> str:
        done = subprocess.run(
            ["docker", "logs", self.container(name, host)], capture_output=True, text=True, check=True
        )
        return done.stdout + done.stderr

    def power_off(self, name: str, *hosts: str) -> None:
        run("docker", "kill", *(self.container(name, host) for host in hosts))

    def power_on(self, name: str, *hosts: str) -> None:
        for host in hosts:
            run("docker", "start", self.container(name, host))

    def cut(self, name: str, host: str) -> None:
        run("docker", "network", "disconnect", self.mark, self.container(name, host))

    def mend(self, name: str, host: str) -> None:
        run("docker", "network", "connect", "--ip", self.addresses[host], self.mark, self.container(name, host))

    def remove(self, name: str, host: str) -> None:
        run("docker", "rm", "-f", self.container(name, host))

    def lose_disk(self, name: str, host: str, volume: str) -> None:
        """The container goes, and its volume of this name."""
        self.remove(name, host)
        run("docker", "volume", "rm", "-f", self.volume(volume, host))


@contextmanager
def control_hosts(folder: Path) -> Iterator[ControlHosts]:
    """A network for them; everything is gone afterwards."""
    mark = f"mastic-test-{uuid.uuid4().hex[:8]}"
    prefix = _network(mark)
    hosts = ControlHosts(mark, {name: f"{prefix}.{number}" for number, name in enumerate(NAMES, 11)}, folder)
    try:
        yield hosts
    finally:
        _remove("docker ps -aq --filter name=", "docker rm -f", mark)
        _remove("docker volume ls -q --filter name=", "docker volume rm", mark)
        run("docker", "network", "rm", mark)


def _network(name: str) -> str:
    """Make a network where no other is; the first three numbers of its addresses."""
    for number in range(256):
        command = ["docker", "network", "create", "--subnet", f"10.199.{number}.0/24", name]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return f"10.199.{number}"
    raise AssertionError("no free range of addresses for a network")


def _remove(listing: str, removal: str, mark: str) -> None:
    if found := run(*f"{listing}{mark}".split()).split():
        run(*removal.split(), *found)
