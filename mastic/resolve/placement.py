"""Services on hosts → placed workloads, jobs and volumes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mastic.errors import InputError, Place, Problem
from mastic.model.desired import LISTEN_PORT, DesiredVolume, PlacedJob, PlacedWorkload
from mastic.model.service import File, Health, Job, Workload
from mastic.resolve.balancing import bindings_to
from mastic.resolve.context import container_name, image_user, workload_context
from mastic.resolve.files import config_files
from mastic.resolve.frontends import SHIFT, frontend_of, placed_on, slots_of, socket_address
from mastic.resolve.ground import Ground
from mastic.resolve.order import Order
from mastic.resolve.render import is_wanted, render_text
from mastic.resolve.spec import Subject, container_spec, engine_health


@dataclass(frozen=True)
class Spot:
    """A workload or job of a service on one host."""

    service: str
    name: str
    host: str


def workload_spots(ground: Ground) -> list[Spot]:
    """Every workload on every host that runs it; notes the problems of those that cannot be placed."""
    spots: list[Spot] = []
    for service in ground.services:
        for name in ground.folder(service).service.workloads:
            with ground.collect():
                spots += [Spot(service, name, host) for host in placed_on(ground, service, name)]
    return spots


def job_spots(ground: Ground) -> list[Spot]:
    """Every job on the hosts where it runs."""
    spots: list[Spot] = []
    for service in ground.services:
        folder = ground.folder(service)
        for name, job in folder.service.jobs.items():
            if job.when == "discard":
                continue
            with ground.collect():
                hosts = [
                    host for host in placed_on(ground, service, job.in_) if _job_wanted(ground, service, name, host)
                ]
                spots += [Spot(service, name, host) for host in (hosts if job.on == "every-host" else hosts[:1])]
    return spots


def place_workload(ground: Ground, order: Order, spot: Spot) -> PlacedWorkload:
    """One workload on one host; raises InputError with all its problems."""
    declared = ground.folder(spot.service).service.workloads[spot.name]
    subject = workload_subject(ground, spot, declared)
    files = list(said_files(ground, spot.service, "workloads", spot.name, declared.files))
    with _Together() as together:
        configuration = together.do(
            lambda: config_files(subject, files, _command(subject, declared.command, "command"))
        )
        health = together.do(lambda: _health(subject, declared))
        listens = together.do(lambda: _listens(subject, declared))
        bindings = together.do(lambda: bindings_to(ground, spot.service, spot.name, spot.host))
        spec = together.do(lambda: container_spec(subject, engine_health(health) if health else None, None))
    return PlacedWorkload(
        name=spot.name,
        service=spot.service,
        host=spot.host,
        container=subject.container,
        image=subject.image,
        spec=spec,
        files=configuration,
        volumes=tuple(mount["source"] for mount in spec["mounts"] if mount["type"] == "volume"),
        health=health,
        listens=listens,
        needs=order.needs(spot.service, spot.name, spot.host),
        accounts=order.accounts(spot.service, spot.name),
        replace=declared.replace,
        reload_signal=declared.reload_signal,
        stop_seconds=declared.stop_seconds,
        one_by_one=declared.place.quorum or declared.place.one_by_one,
        keep_running=declared.keep_running,
        slots=dict(subject.slots),
        bindings=bindings,
        origin=subject.place(),
    )


def place_job(ground: Ground, order: Order, spot: Spot, data: tuple[str, ...]) -> PlacedJob:
    """One job on one host; raises InputError with all its problems."""
    job = ground.folder(spot.service).service.jobs[spot.name]
    placed = placed_job(job_subject(ground, spot, job), spot, job)
    if job.when == "removal":
        return placed
    return replace(placed, data=data, needs=order.needs(spot.service, spot.name, spot.host))


def placed_job(subject: Subject, spot: Spot, job: Job) -> PlacedJob:
    """A job with what its templates see, needing nothing; raises InputError with all its problems."""
    ground, service = subject.ground, subject.ground.folder(spot.service).service
    files = list(said_files(ground, spot.service, "workloads", job.in_, service.workloads[job.in_].files))
    files += said_files(ground, spot.service, "jobs", spot.name, job.files)
    with _Together() as together:
        run = together.do(lambda: _command(subject, job.run, "run"))
        configuration = together.do(lambda: config_files(subject, files, run or ""))
        spec = together.do(lambda: container_spec(subject, None, ["kolla_start"]))
        check = together.do(lambda: _command(subject, job.check, "check") if job.check else None)
    return PlacedJob(
        name=spot.name,
        service=spot.service,
        host=spot.host,
        container=subject.container,
        image=subject.image,
        when=job.when,
        run=run,
        spec=spec,
        files=configuration,
        seconds=job.seconds,
        check=check,
        origin=subject.place(),
    )


def volumes_of(ground: Ground, spots: list[Spot]) -> tuple[DesiredVolume, ...]:
    """Named volumes of the placed workloads; shared by name on a host, kept when any workload keeps it."""
    found: dict[tuple[str, str], DesiredVolume] = {}
    for spot in spots:
        declared = ground.folder(spot.service).service.workloads[spot.name]
        place = ground.folder(spot.service).place("workloads", spot.name, "volumes")
        context = workload_context(ground, spot.service, spot.name, spot.host)
        for volume in declared.volumes:
            if is_wanted(volume.if_, context, place):
                key = (volume.name, spot.host)
                known = found.get(key)
                keep = volume.keep or (known is not None and known.keep)
                service = known.service if known else spot.service
                path = ground.cloud.volumes.get(volume.name, "")
                found[key] = DesiredVolume(volume.name, spot.host, keep, service, path)
    return tuple(found.values())


class _Together:
    """Does several things that may each raise InputError, then raises all their problems."""

    def __init__(self) -> None:
        self._failed = False
        self._problems: list[Problem] = []

    def __enter__(self) -> _Together:
        return self

    def __exit__(self, *_: object) -> None:
        if self._failed:
            raise InputError(self._problems)

    def do(self, make: Any) -> Any:
        try:
            return make()
        except InputError as error:
            self._failed = True
            self._problems.extend(error.problems)
            return None


def workload_subject(ground: Ground, spot: Spot, declared: Workload) -> Subject:
    """A workload on a host with what its templates see."""
    slots = slots_of(ground, spot.service, spot.name)
    return Subject(
        ground=ground,
        service=spot.service,
        section="workloads",
        name=spot.name,
        host=spot.host,
        workload=declared,
        container=container_name(spot.name),
        image=declared.image,
        user=declared.user,
        owner=declared.user or image_user(ground, declared.image),
        context=workload_context(ground, spot.service, spot.name, spot.host, LISTEN_PORT if slots else None),
        slots=slots,
    )


def job_subject(ground: Ground, spot: Spot, job: Job) -> Subject:
    """A job on a host with what its templates see."""
    declared = ground.folder(spot.service).service.workloads[job.in_]
    image = job.image or declared.image
    user = job.user or declared.user
    return Subject(
        ground=ground,
        service=spot.service,
        section="jobs",
        name=spot.name,
        host=spot.host,
        workload=declared,
        container=f"{container_name(job.in_)}_{container_name(spot.name)}",
        image=image,
        user=user,
        owner=user or image_user(ground, image),
        context=workload_context(ground, spot.service, job.in_, spot.host),
    )


def _job_wanted(ground: Ground, service: str, name: str, host: str) -> bool:
    folder = ground.folder(service)
    job = folder.service.jobs[name]
    context = workload_context(ground, service, job.in_, host)
    return is_wanted(job.if_, context, folder.place("jobs", name, "if"))


def said_files(
    ground: Ground, service: str, section: str, name: str, files: tuple[File, ...]
) -> Iterator[tuple[File, Place]]:
    """The files of a workload or job with the lines that declare them."""
    for index, file in enumerate(files):
        yield file, ground.folder(service).place(section, name, "files", index)


def _command(subject: Subject, source: str, key: str) -> str:
    return " ".join(subject.text(source, subject.place(key), f"`{key}` of `{subject.name}`").split())


def _health(subject: Subject, declared: Workload) -> Health | None:
    health = declared.health
    if health is None:
        return None
    said = {
        way: subject.text(source, subject.place("health", way), f"the health check of `{subject.name}`")
        for way in ("http", "tcp", "command")
        if (source := getattr(health, way)) is not None
    }
    if said.get("http", "").startswith("/"):
        said["http"] = f"http://{_own_addresses(subject, LISTEN_PORT)[0]}{said['http']}"
    if "tcp" in said and not said["tcp"].endswith(f":{LISTEN_PORT}"):
        _check_socket(said["tcp"], subject.place("health", "tcp"), subject.name)
    return health.model_copy(update=said)


def _own_addresses(subject: Subject, any_slot: str | None = None) -> list[str]:
    """Where it listens behind the load balancer: per slot, or with what stands for the port of any slot."""
    ports: list[int | str] = [*subject.slots.values()]
    if not subject.slots:
        ports = [frontend_of(subject.ground, subject.service, subject.name)["port"] + SHIFT]
    elif any_slot:
        ports = [any_slot]
    address = subject.ground.cloud.hosts[subject.host].address
    return [socket_address(address, port) for port in ports]


def _listens(subject: Subject, declared: Workload) -> tuple[str, ...]:
    found = _own_addresses(subject) if declared.frontend is not None else []
    for index, source in enumerate(declared.ports):
        place = subject.place("ports", index)
        text = render_text(subject.ground.environment(subject.service), source, subject.context, place)
        for each in text.replace(",", " ").split():
            _check_socket(each, place, subject.name)
            found.append(each)
    return tuple(dict.fromkeys(found))


def _check_socket(text: str, place: Place, name: str) -> None:
    address, _, port = text.rpartition(":")
    if not address or not port.isdigit() or not 0 < int(port) <= 65535:
        message = f"`{name}` must say `address:port`; it says `{text}`"
        raise InputError(Problem(message, place, 'for example "{{ host.address }}:{{ settings.port }}"'))


def clashing_listeners(workloads: Mapping[str, PlacedWorkload]) -> Iterator[Problem]:
    """Two workloads that would listen on the same address and port of a host."""
    owner: dict[tuple[str, str], PlacedWorkload] = {}
    for workload in workloads.values():
        for address in workload.listens:
            other = owner.setdefault((workload.host, address), workload)
            if other.name != workload.name:
                message = f"`{other.name}` and `{workload.name}` both listen on `{address}` of `{workload.host}`"
                yield Problem(message, workload.origin, "give one of them another port in cloud.yml")
