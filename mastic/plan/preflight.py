"""Preflight: what on the hosts would make the plan fail, told before anything changes; pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from mastic.errors import Place, Problem
from mastic.model.catalogue import Catalogue, CloudFile
from mastic.model.desired import Desired, PlacedWorkload
from mastic.model.observed import HostFacts, Observed, ObservedHost

GIB = 1024**3
MIB = 1024**2
MEMORY_PER_WORKLOAD = 128 * MIB
"""Containers of a whole cloud with one worker each hold 105 MB on average (measured, 2026.2), plus room to work."""
MEMORY_FOR_THE_REST = 2 * GIB
"""System, engine, image builds, a first guest (measured 250 MB)."""
DISK_PER_MISSING_IMAGE = GIB // 2
"""Images are 230-570 MB each and share layers (measured)."""
DISK_FOR_DATA = 2 * GIB
"""Databases, logs, a few guests."""
FRONTEND_SHIFTS = (0, 10000, 20000)
"""A workload behind the load balancer listens this much above the port its users see, by its slot."""
WILDCARDS = frozenset({"0.0.0.0", "[::]", "::", "*", ""})


def preflight(catalogue: Catalogue, cloud_file: CloudFile, desired: Desired, observed: Observed) -> list[Problem]:
    """Every reason why the hosts cannot take the cloud; empty when they can."""
    problems = unreachable(cloud_file, observed)
    problems += _api_address(cloud_file, observed)
    for name in desired.hosts:
        if host := observed.hosts.get(name):
            problems += _Look(catalogue, cloud_file, desired, host).problems()
    return problems


def unreachable(cloud_file: CloudFile, observed: Observed) -> list[Problem]:
    """Hosts that did not answer, each with its reason."""
    hint = "check that the host is up and how it is reached; `mastic hosts check` asks all of them"
    return [
        Problem(f"host `{name}` cannot be reached: {why}", cloud_file.place("hosts", name), hint)
        for name, why in sorted(observed.unreachable.items())
    ]


def _api_address(cloud_file: CloudFile, observed: Observed) -> list[Problem]:
    """One control host has the address; several take turns, so it must be one of their common network."""
    address = cloud_file.cloud.api_address
    control = [name for name, host in cloud_file.cloud.hosts.items() if "control" in host.groups]
    facts = {name: observed.hosts[name].facts for name in control if name in observed.hosts}
    if address is None or not facts:
        return []
    if len(control) > 1:
        return [
            _out_of_reach(cloud_file, address, name, each) for name, each in facts.items() if not _near(each, address)
        ]
    if any(_has_address(each, address) for each in facts.values()):
        return []
    there = ", ".join(f"`{each}`" for fact in facts.values() for each in fact.addresses)
    message = f"`api_address` `{address}` is on no host of group `control`"
    return [Problem(message, cloud_file.place("api_address"), f"addresses there: {there}")]


def _out_of_reach(cloud_file: CloudFile, address: str, host: str, facts: HostFacts) -> Problem:
    there = ", ".join(f"`{each}`" for each in facts.networks) or "none"
    message = f"`api_address` `{address}` is in no network of control host `{host}`, which could not take it over"
    return Problem(message, cloud_file.place("api_address"), f"networks there: {there}")


def _near(facts: HostFacts, address: str) -> bool:
    """Networks of IPv6 are not known."""
    return ":" in address or any(ip_address(address) in ip_network(each, strict=False) for each in facts.networks)


def _has_address(facts: HostFacts, address: str) -> bool:
    return address in facts.addresses or address.startswith("127.")


class _Look:
    """The checks of one host."""

    def __init__(self, catalogue: Catalogue, cloud_file: CloudFile, desired: Desired, host: ObservedHost) -> None:
        self.catalogue = catalogue
        self.cloud_file = cloud_file
        self.desired = desired
        self.host = host
        self.facts = host.facts
        self.workloads = [workload for workload in desired.workloads if workload.host == host.name]
        jobs = [job for job in desired.jobs if job.host == host.name and job.when != "removal"]
        references = {str(w.spec["image"]) for w in self.workloads} | {str(job.spec["image"]) for job in jobs}
        self.missing_images = references - host.images
        self.absent = [workload for workload in self.workloads if workload.name not in host.workloads]

    def problems(self) -> Iterator[Problem]:
        """Everything that is wrong on this host; without an engine the rest cannot be told."""
        checks: tuple[Callable[[], Iterator[Problem]], ...] = (self._address, self._engine)
        if self.facts.engine is not None:
            checks += (self._memory, self._disk, self._names, self._ports)
        for check in checks:
            yield from check()

    def _place(self, *keys: str) -> Place:
        return self.cloud_file.place("hosts", self.host.name, *keys)

    def _address(self) -> Iterator[Problem]:
        address = self.cloud_file.cloud.hosts[self.host.name].address
        if not _has_address(self.facts, address):
            there = ", ".join(f"`{each}`" for each in self.facts.addresses)
            message = f"address `{address}` is not on host `{self.host.name}`"
            yield Problem(message, self._place("address"), f"addresses there: {there}")

    def _engine(self) -> Iterator[Problem]:
        if self.facts.engine is None:
            why = f": {self.facts.engine_problem}" if self.facts.engine_problem else ""
            hint = "install and start a container engine there (Debian: `apt install docker.io`)"
            yield Problem(f"no container engine answers on host `{self.host.name}`{why}", self._place(), hint)

    def _memory(self) -> Iterator[Problem]:
        wanted = MEMORY_FOR_THE_REST + len(self.workloads) * MEMORY_PER_WORKLOAD
        if self.absent and self.facts.memory_bytes < wanted:
            message = (
                f"host `{self.host.name}` has {_gib(self.facts.memory_bytes)} of memory, {_gib(wanted)} are needed"
            )
            hint = f"{len(self.workloads)} containers are to run there; choose fewer services or a larger host"
            yield Problem(message, self._place(), hint)

    def _disk(self) -> Iterator[Problem]:
        if not self.absent and not self.missing_images:
            return
        wanted = DISK_FOR_DATA + len(self.missing_images) * DISK_PER_MISSING_IMAGE
        if self.facts.disk_free_bytes < wanted:
            free = _gib(self.facts.disk_free_bytes)
            message = f"host `{self.host.name}` has {free} of free disk for the engine, {_gib(wanted)} are needed"
            hint = f"{len(self.missing_images)} images are still to be made; `docker system df` says what takes room"
            yield Problem(message, self._place(), hint)

    def _names(self) -> Iterator[Problem]:
        for workload in self.absent:
            if workload.container in self.host.foreign_containers:
                message = f"a container named `{workload.container}` on host `{self.host.name}` is not of this cloud"
                hint = f"remove it (`docker rm -f {workload.container}`) or take `{workload.service}` out of `services`"
                yield Problem(message, self._workload_place(workload), hint)

    def _ports(self) -> Iterator[Problem]:
        """A port of what does not run yet; what a process of ours holds is ours, like an API's port at the balancer."""
        running = [listen for workload in self.workloads if self._runs(workload) for listen in self._held(workload)]
        ours = {name for taken, name in self.facts.listening.items() if any(_overlap(each, taken) for each in running)}
        for workload in self.workloads:
            runs = self._runs(workload)
            for listen in workload.listens if not runs or workload.slots else ():
                yield from self._port(workload, listen, ours if runs else frozenset())
        for workload, listen in self._endpoints():
            yield from self._port(workload, listen, ours)

    def _endpoints(self) -> Iterator[tuple[PlacedWorkload, str]]:
        """What the load balancer will listen on here, and the workload behind it."""
        if "control" not in self.cloud_file.cloud.hosts[self.host.name].groups:
            return
        for endpoint in self.desired.endpoints:
            behind = next((w for w in self.desired.workloads if w.name == endpoint.workload), None)
            listen = urlsplit(endpoint.url).netloc
            if behind and _has_address(self.facts, listen.rpartition(":")[0]):
                yield behind, listen

    def _runs(self, workload: PlacedWorkload) -> bool:
        seen = self.host.workloads.get(workload.name)
        return seen is not None and seen.state in ("running", "restarting")

    def _held(self, workload: PlacedWorkload) -> list[str]:
        """Where a running workload listens now: only in its own slot, or in both while one takes over."""
        both = (self.host.workloads.get(workload.name), self.host.beside.get(workload.name))
        free = set(workload.slots) - {seen.slot or next(iter(workload.slots), "") for seen in both if seen}
        ports = {str(workload.slots[slot]) for slot in free}
        return [listen for listen in workload.listens if _port(listen) not in ports]

    def _port(self, workload: PlacedWorkload, listen: str, ours: Collection[str]) -> Iterator[Problem]:
        for taken, process in sorted(self.facts.listening.items()):
            if _overlap(listen, taken) and process not in ours:
                by = f"process `{process}`" if process != "?" else "an unknown process"
                message = f"port {_port(listen)} on host `{self.host.name}` is taken by {by} (`{taken}`)"
                place, hint = self._port_setting(workload, _port(listen))
                yield Problem(f"{message}; {workload.name} wants it", place, hint)
                return

    def _port_setting(self, workload: PlacedWorkload, port: str) -> tuple[Place, str]:
        """Where the port is said, and how to say another."""
        said = self.cloud_file.cloud.settings.get(workload.service, {})
        folder = self.catalogue.folders.get(workload.service)
        for name, setting in folder.service.settings.items() if folder else ():
            value = said.get(name, setting.default)
            if setting.type == "port" and str(value) in {str(int(port) - shift) for shift in FRONTEND_SHIFTS}:
                hint = f"stop that process, or set `{name}` of `{workload.service}` in cloud.yml"
                if name in said:
                    return self.cloud_file.place("settings", workload.service, name), hint
                return folder.place("settings", name) if folder else self._place(), hint
        return self._workload_place(workload), "stop that process"

    def _workload_place(self, workload: PlacedWorkload) -> Place:
        folder = self.catalogue.folders.get(workload.service)
        return workload.origin or (folder.place("workloads", workload.name) if folder else self._place())


def _port(listen: str) -> str:
    return listen.rpartition(":")[2]


def _overlap(one: str, other: str) -> bool:
    """Whether two `address:port` cannot be listened on at the same time."""
    (address, _, port), (other_address, _, other_port) = one.rpartition(":"), other.rpartition(":")
    return port == other_port and (address == other_address or bool({address, other_address} & WILDCARDS))


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
