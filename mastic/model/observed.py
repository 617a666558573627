"""Observed: what the agents found on the hosts, read only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class HostFacts:
    """What a host is and has; read in one go, no effect."""

    cpus: int
    memory_bytes: int
    disk_free_bytes: int
    """Free bytes where the engine keeps its data."""
    addresses: tuple[str, ...]
    listening: dict[str, str] = field(default_factory=dict)
    """`address:port` → name of the process that listens (`?` when unknown)."""
    engine: str | None = None
    """`docker 20.10.24`; None when no engine answers."""
    engine_problem: str | None = None
    architecture: str = "x86_64"
    kernel_modules: tuple[str, ...] = ()
    """Of the modules mastic asks about (openvswitch, geneve, br_netfilter…): those loaded, built in or loadable."""
    kvm: Literal["boots", "fails", "absent"] = "absent"
    """boots: a small virtual machine really ran on /dev/kvm."""
    hostname: str = "localhost"
    python: str = ""
    clock: float = 0.0
    """Seconds since the epoch when the facts were read."""
    system: str = ""
    """Distribution and release, `debian 13`."""
    interfaces: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Interface → `mtu` and `address`, its first IPv4 address or None."""
    networks: tuple[str, ...] = ()
    """IPv4 networks the host is in, `192.0.2.0/24`."""
    other_clouds: tuple[str, ...] = ()
    """Clouds of mastic's, but for this one, that have containers there."""


@dataclass(frozen=True)
class ObservedWorkload:
    """A container that carries mastic's labels."""

    name: str
    service: str
    host: str
    container: str
    container_id: str
    spec_digest: str
    """Label written at creation: digest of the spec that was wanted then; empty for one that mastic did not make."""
    files_digest: str | None
    """Digest of the files that were in force when the process last started or reloaded; None when unknown."""
    image: str
    state: Literal["running", "created", "restarting", "exited", "paused", "dead"]
    healthy: bool | None
    """The engine's own health check: None when it has none or it still starts."""
    started_at: str
    created_at: str
    exit_code: int | None = None
    slot: str = ""
    """Which of its workload's ports it has; empty for a workload without slots."""
    config: str = ""
    """Name of its configuration folder; empty means that of the container."""

    @property
    def folder(self) -> str:
        return self.config or self.container


@dataclass(frozen=True)
class ObservedFile:
    """A file on a host as the agent's manifest knows it."""

    digest: str
    """Digest of the wanted content (with references and secret versions) when it was written."""
    intact: bool
    """False: somebody changed or removed the file since."""


@dataclass(frozen=True)
class JobStamp:
    """Record that a job succeeded."""

    digest: str
    volumes: dict[str, str]
    """Volume name → its creation time when the job ran."""
    at: str = ""
    undone: str = ""
    """What the job's own check found wrong since; empty when it was not asked or found nothing."""


@dataclass(frozen=True)
class ObservedHost:
    """One host."""

    name: str
    facts: HostFacts
    workloads: dict[str, ObservedWorkload] = field(default_factory=dict)
    """Workload name → container."""
    beside: dict[str, ObservedWorkload] = field(default_factory=dict)
    """Workload name → its second container, while one takes over from the other."""
    files: dict[str, dict[str, ObservedFile]] = field(default_factory=dict)
    """Configuration folder (the container's name, without slots) → file name → file."""
    volumes: dict[str, str] = field(default_factory=dict)
    """Volume name → creation time; only volumes that carry mastic's label."""
    volume_paths: dict[str, str] = field(default_factory=dict)
    """Volume name → folder of the operator's choice that it lies in; the others lie in the engine's own place."""
    disposable_volumes: frozenset[str] = frozenset()
    """Those of them that hold run-time state only (`keep: false`), as their label says."""
    images: frozenset[str] = frozenset()
    """Image references present in the engine (`mastic/...` only)."""
    jobs: dict[str, JobStamp] = field(default_factory=dict)
    """Job id without host (`glance/db_sync`) → stamp."""
    foreign_containers: frozenset[str] = frozenset()
    """Names of containers that are not this cloud's."""


@dataclass(frozen=True)
class Observed:
    """All hosts that answered."""

    hosts: dict[str, ObservedHost]
    unreachable: dict[str, str] = field(default_factory=dict)
    """Host → why."""
    raw: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
