"""FakeHost: what one host has, as an operator, an accident or the fake executor may change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from mastic.model.observed import HostFacts, JobStamp, ObservedFile, ObservedHost, ObservedWorkload

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
    disposable: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)
    jobs: dict[str, JobStamp] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    ran: list[str] = field(default_factory=list)
    """Ids of the jobs that ran to their end, in order."""
    logs: dict[str, list[str]] = field(default_factory=dict)
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
            disposable_volumes=frozenset(self.disposable),
            images=frozenset(self.images),
            jobs=dict(self.jobs),
            foreign_containers=frozenset(self.foreign),
        )
