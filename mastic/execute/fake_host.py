"""FakeHost: what one host has, as an operator, an accident or the fake executor may change it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from mastic.model.observed import HostFacts, JobStamp, ObservedFile, ObservedHost, ObservedWorkload
from mastic.plan.around import Archive

GIB = 1024**3


def some_facts() -> HostFacts:
    """A host that can take any cloud."""
    return HostFacts(
        cpus=2,
        memory_bytes=64 * GIB,
        disk_free_bytes=100 * GIB,
        addresses=("127.0.0.1",),
        engine="fake 1.0",
    )


@dataclass
class FakeHost:
    """What one host has; tests may change it as an operator or an accident would."""

    name: str
    facts: HostFacts = field(default_factory=some_facts)
    containers: dict[str, ObservedWorkload] = field(default_factory=dict)
    """Workload name → container."""
    beside: dict[str, ObservedWorkload] = field(default_factory=dict)
    """Workload name → its second container, while one takes over from the other."""
    balanced: dict[str, str] = field(default_factory=dict)
    """Workload name → the slot that a load balancer here was told last."""
    files: dict[str, dict[str, ObservedFile]] = field(default_factory=dict)
    contents: dict[tuple[str, str], str] = field(default_factory=dict)
    """(container, file name) → text on disk, secrets filled in."""
    read: dict[str, dict[str, str]] = field(default_factory=dict)
    """Configuration folder → the files as the process that has it has read them."""
    volumes: dict[str, str] = field(default_factory=dict)
    volume_paths: dict[str, str] = field(default_factory=dict)
    contents_of: dict[str, str] = field(default_factory=dict)
    """Volume → what is in it."""
    archives: dict[str, tuple[Archive, dict[str, str]]] = field(default_factory=dict)
    """Path → what a backup says of itself, and its volumes' contents."""
    disposable: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)
    jobs: dict[str, JobStamp] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    ran: list[str] = field(default_factory=list)
    """Ids of the jobs that ran to their end, in order."""
    undone: dict[str, str] = field(default_factory=dict)
    """Job without host → what somebody did to its effect."""
    logs: dict[str, list[str]] = field(default_factory=dict)
    mounted: dict[str, set[str]] = field(default_factory=dict)
    """Container's id → volumes it has."""
    kept: bytes | None = None
    """Copy of the controller's state."""
    clock: Iterator[int] = field(default_factory=lambda: count(1))

    def now(self) -> str:
        """Every call is later than the one before."""
        return f"t{next(self.clock):06d}"

    def stop(self, workload: str, exit_code: int = 0) -> None:
        """The process ended."""
        self.containers[workload] = replace(
            self.containers[workload], state="exited", exit_code=exit_code, healthy=None
        )

    def edit(self, container: str, file: str) -> None:
        """Somebody changed a file by hand, and the process was restarted since."""
        self.files[container][file] = replace(self.files[container][file], intact=False)
        self.contents[container, file] = "edited by hand"
        for workload in (*self.containers.values(), *self.beside.values()):
            if workload.folder == container and workload.state == "running":
                self.let_read(workload.folder)

    def remake(self, workload: str) -> None:
        """Somebody removed the container and made one by the same name."""
        found = self.containers[workload]
        new = f"{found.container_id}-by-hand"
        self.containers[workload] = replace(found, container_id=new, spec_digest="", files_digest=None)

    def make_volume(self, name: str, path: str) -> None:
        """An empty volume, if there is none of the name."""
        if name not in self.volumes:
            self.volumes[name] = self.now()
            if path:
                self.volume_paths[name] = path

    def remove_volume(self, name: str) -> None:
        """The volume with all it holds."""
        for there in (self.volumes, self.volume_paths, self.contents_of):
            there.pop(name, None)
        self.disposable.discard(name)

    def back_up(self, cloud: str, names: Sequence[str], path: str) -> None:
        """Write an archive."""
        contents = {name: self.contents_of.get(name, "") for name in names}
        stamps = {job: stamp for job, stamp in self.jobs.items() if set(names) & set(stamp.volumes)}
        digests = {name: f"digest of {content}" for name, content in contents.items()}
        self.archives[path] = Archive(path, cloud, self.now(), digests, stamps), contents

    def put_back(self, path: str, jobs: Mapping[str, Any]) -> None:
        """Take an archive's content, and what had been done to it."""
        self.contents_of.update(self.archives[path][1])
        for name in jobs["forget"]:
            self.jobs.pop(name, None)
        self.jobs.update({name: JobStamp(**stamp) for name, stamp in jobs["stamps"].items()})

    def let_read(self, folder: str) -> None:
        """A process reads its files, as they are now."""
        self.read[folder] = {name: self.contents[folder, name] for name in self.files.get(folder, {})}

    def observed(self) -> ObservedHost:
        """What the agent's `observe` would answer."""
        return ObservedHost(
            name=self.name,
            facts=self.facts,
            workloads=dict(self.containers),
            beside=dict(self.beside),
            files={container: dict(files) for container, files in self.files.items()},
            volumes=dict(self.volumes),
            volume_paths=dict(self.volume_paths),
            disposable_volumes=frozenset(self.disposable),
            images=frozenset(self.images),
            jobs=dict(self.jobs),
            foreign_containers=frozenset(self.foreign),
        )
