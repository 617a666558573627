"""Two worlds with the same handles: hosts in memory, and containers of a real engine on this machine."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import tarfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from mastic.execute.executor import Executor
from mastic.execute.fake import FakeExecutor
from mastic.execute.feed import ImageFeed
from mastic.execute.local import LocalExecutor
from mastic.execute.remote.executor import AnsibleExecutor
from mastic.model.desired import Desired
from mastic.model.goal import Goal
from mastic.model.observed import ObservedHost
from mastic.model.run import Event, Run
from mastic.plan.reconcile import reconcile
from tests.agent.tiny_image import REFERENCE, make_tiny_image
from tests.hosts.host import Host

HOST = "here"
CLOUD = f"contract{os.getpid()}"
IMAGES = (REFERENCE, f"mastic/{CLOUD}:2")
BREAKS = re.compile(r"echo (.*); exit")
"""A script with this line fails after it has said something; the fake world reads it as the real shell would."""


class Accidents(Protocol):
    """What happens to a host behind mastic's back."""

    def kill(self, workload: str) -> None: ...

    def take_away(self, workload: str) -> None:
        """Somebody removed the container; its files are there."""

    def edit(self, container: str, file: str) -> None: ...

    def undo(self, job: str, what: str) -> None:
        """Somebody took away what a job did: the file `done` in the shared volume."""

    def remake(self, workload: str) -> None: ...

    def put(self, volume: str, text: str) -> None: ...

    def text(self, volume: str) -> str: ...


class Images(Protocol):
    """The engine's images."""

    def make(self, reference: str) -> None: ...


@dataclass
class World:
    """An executor, what it told, the accidents of its host, and a way to make images."""

    executor: Executor
    accidents: Accidents
    images: Images
    machine: Machine | None = None
    """None: nothing real."""
    events: list[Event] = field(default_factory=list)

    def path(self, inside: Path) -> Path:
        """A file of the host."""
        return self.machine.path(str(inside)) if self.machine else inside

    def apply(self, desired: Desired, goal: Goal | None = None) -> Run:
        plan = reconcile(desired, self.executor.observe((HOST,)), goal or Goal())
        if isinstance(self.executor, FakeExecutor):
            self.executor.fail = breaking_steps(desired)
        return self.executor.perform(plan, desired, {"a_word": "hidden"}, ImageFeed(), self.events.append)

    def succeed(self, desired: Desired, goal: Goal | None = None) -> list[str]:
        """Apply, insist that it went well and left nothing to do; the steps that were done."""
        run = self.apply(desired, goal)
        assert run.ok, run
        assert self.remaining(desired, goal) == []
        return sorted(run.done)

    def remaining(self, desired: Desired, goal: Goal | None = None) -> list[str]:
        """Steps and causes that a next plan would hold."""
        plan = reconcile(desired, self.executor.observe((HOST,)), goal or Goal())
        return [f"{step.id}, {step.cause}" for step in plan.steps]

    def host(self) -> ObservedHost:
        return self.executor.observe((HOST,)).hosts[HOST]


def breaking_steps(desired: Desired) -> dict[str, str]:
    """Steps that fail in the fake world, and what their scripts say before."""
    found: dict[str, str] = {}
    for workload in desired.workloads:
        for file in workload.files:
            if said := BREAKS.search(file.content):
                found |= {f"{verb}:{workload.id}": said[1] for verb in ("start", "replace", "restart")}
    for job in desired.jobs:
        for file in job.files:
            if said := BREAKS.search(file.content):
                found[f"run:{job.id}"] = said[1]
    return found


@dataclass
class FakeAccidents:
    executor: FakeExecutor

    def kill(self, workload: str) -> None:
        self.executor.hosts[HOST].stop(workload, 137)

    def take_away(self, workload: str) -> None:
        del self.executor.hosts[HOST].containers[workload]

    def edit(self, container: str, file: str) -> None:
        self.executor.hosts[HOST].edit(container, file)

    def undo(self, job: str, what: str) -> None:
        self.executor.hosts[HOST].undone[job] = what

    def remake(self, workload: str) -> None:
        self.executor.hosts[HOST].remake(workload)

    def put(self, volume: str, text: str) -> None:
        self.executor.hosts[HOST].contents_of[volume] = text

    def text(self, volume: str) -> str:
        return self.executor.hosts[HOST].contents_of[volume]


class FakeImages:
    def __init__(self, executor: FakeExecutor) -> None:
        self.executor = executor

    def make(self, reference: str) -> None:
        self.executor.hosts[HOST].images.add(reference)


class Machine(Protocol):
    """Where the real containers run, reached without mastic."""

    def docker(self, *arguments: str, content: bytes = b"") -> str: ...

    def path(self, inside: str) -> Path: ...


class Here:
    """This machine."""

    def docker(self, *arguments: str, content: bytes = b"") -> str:
        done = subprocess.run(["docker", *arguments], input=content, check=True, capture_output=True)
        return done.stdout.decode()

    def path(self, inside: str) -> Path:
        return Path(inside)


@dataclass
class There:
    """A host of the harness."""

    host: Host

    def docker(self, *arguments: str, content: bytes = b"") -> str:
        ssh = ["ssh", "-F", str(self.host.config), self.host.name, shlex.join(["docker", *arguments])]
        return subprocess.run(ssh, input=content, check=True, capture_output=True).stdout.decode()

    def path(self, inside: str) -> Path:
        return self.host.path(inside)


@dataclass
class RealImages:
    machine: Machine

    def make(self, reference: str) -> None:
        """An image of its own, not only another name."""
        self.machine.docker("import", "-", reference, content=empty_archive())


def empty_archive() -> bytes:
    """A tar archive that holds one file."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(f"{CLOUD}-unused"))
    return target.getvalue()


@dataclass
class RealAccidents:
    machine: Machine

    def kill(self, workload: str) -> None:
        self.machine.docker("stop", "-t", "0", f"{CLOUD}_{workload}")

    def take_away(self, workload: str) -> None:
        self.machine.docker("rm", "--force", f"{CLOUD}_{workload}")

    def edit(self, container: str, file: str) -> None:
        path = self.machine.path(f"/etc/mastic/clouds/{CLOUD}/{container}/{file}")
        path.write_text(path.read_text() + "# by hand\n")

    def undo(self, job: str, what: str) -> None:
        self.machine.docker("run", "--rm", "--volume", f"{CLOUD}_data:/data", IMAGES[0], "rm", "/data/done")

    def remake(self, workload: str) -> None:
        """With the same labels, and another memory limit."""
        name = f"{CLOUD}_{workload}"
        template = "{{range $key, $value := .Config.Labels}}--label={{$key}}={{$value}}\n{{end}}"
        asked = self.machine.docker("inspect", "-f", template, name).split()
        folder = f"/etc/mastic/clouds/{CLOUD}/{name}"
        mounts = ("-v", f"{folder}:/var/lib/kolla/config_files:ro")
        self.machine.docker("rm", "-f", name)
        self.machine.docker("run", "-d", "--name", name, "--network", "host", "-m", "64m", *asked, *mounts, IMAGES[0])

    def put(self, volume: str, text: str) -> None:
        """With what a copy may lose: another owner, a mode, a link, two names of one file."""
        folder = self.root_of(volume) / "inner"
        folder.mkdir(exist_ok=True)
        file = folder / "text"
        file.write_text(text)
        file.chmod(0o640)
        os.chown(file, 4242, 4243)
        for name in ("link", "second"):
            (folder / name).unlink(missing_ok=True)
        (folder / "link").symlink_to("text")
        os.link(file, folder / "second")

    def text(self, volume: str) -> str:
        folder = self.root_of(volume) / "inner"
        found = (folder / "link").stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (4242, 4243, 0o640)
        assert (folder / "second").samefile(folder / "text")
        assert not [path.name for path in self.root_of(volume).iterdir() if path.name.startswith(".mastic")]
        return (folder / "link").read_text()

    def root_of(self, volume: str) -> Path:
        """Where the engine keeps a volume's content."""
        (found,) = json.loads(self.machine.docker("volume", "inspect", volume))
        return self.machine.path((found["Options"] or {}).get("device") or found["Mountpoint"])


def fake_world() -> World:
    executor = FakeExecutor((HOST,))
    executor.hosts[HOST].images.update(IMAGES)
    return World(executor, FakeAccidents(executor), FakeImages(executor))


def real_world(state: Path) -> World:
    make_tiny_image()
    here = Here()
    here.docker("tag", *IMAGES)
    return World(LocalExecutor(CLOUD, state), RealAccidents(here), RealImages(here), here)


def remote_world(host: Host, executor: AnsibleExecutor) -> World:
    """The same images on another machine."""
    make_tiny_image()
    there = There(host)
    there.docker("load", "--quiet", content=subprocess.run(SAVE, check=True, capture_output=True).stdout)
    there.docker("tag", *IMAGES)
    return World(executor, RealAccidents(there), RealImages(there), there)


SAVE = ("docker", "save", REFERENCE)


def with_image(desired: Desired, image: str) -> Desired:
    """The cloud with another image for its workloads."""
    changed = tuple(replace(w, spec={**w.spec, "image": image}) for w in desired.workloads)
    return replace(desired, workloads=changed)
