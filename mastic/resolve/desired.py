"""Catalogue + Cloud → Desired: the one door of this stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from mastic.errors import InputError, Problem, did_you_mean
from mastic.model.catalogue import Catalogue, CloudFile
from mastic.model.desired import (
    RESERVED_SECRETS,
    Desired,
    DesiredVolume,
    Endpoint,
    PlacedCheck,
    PlacedJob,
    PlacedWorkload,
)
from mastic.model.observed import HostFacts
from mastic.model.service import Check, Secret
from mastic.resolve.bindings import consumer_secrets, find_providers, provided_value, requirement_problems
from mastic.resolve.context import container_name, ground_of, workload_context
from mastic.resolve.discards import place_discards
from mastic.resolve.files import unread_problems
from mastic.resolve.frontends import CAPABILITY, frontend_of, frontends_of, placed_on
from mastic.resolve.ground import Ground
from mastic.resolve.hosts import home, in_group
from mastic.resolve.order import Order, check_circles
from mastic.resolve.placement import (
    Spot,
    clashing_listeners,
    job_spots,
    place_job,
    place_workload,
    volumes_of,
    workload_spots,
)
from mastic.resolve.render import render_text
from mastic.resolve.scope import Scope
from mastic.resolve.settings import check_said_settings, explain
from mastic.resolve.volume_places import place_problems

TRUSTED = "every client and every service trusts it"
CLIENT_CAPABILITY = "identity"
"""What users log in at: its values make `clouds.yaml`."""
_CLIENT_KEYS = {
    "auth_url": "auth_url",
    "region": "region",
    "user": "admin_user",
    "project": "admin_project",
    "user_domain": "user_domain",
    "project_domain": "project_domain",
    "password": "admin_password",
}


def resolve(
    catalogue: Catalogue,
    cloud_file: CloudFile,
    facts: Mapping[str, HostFacts],
    images: Mapping[str, str],
    secret_versions: Mapping[str, int],
) -> Desired:
    """What the hosts should look like; raises InputError with every problem found."""
    ground = ground_of(catalogue, cloud_file, facts, images, secret_versions)
    ground.problems += [*_choice_problems(ground), *find_providers(ground), *requirement_problems(ground)]
    ground.problems += [*_address_problems(ground), *check_said_settings(ground)]
    explained = tuple(each for service in ground.services for each in explain(ground, service))
    spots, jobs = workload_spots(ground), job_spots(ground)
    order = Order(ground, _instances(spots, jobs))
    volumes: tuple[DesiredVolume, ...] = ()
    with ground.collect():
        volumes = volumes_of(ground, spots)
        ground.problems += place_problems(ground.cloud_file, volumes)
    placed = _place_workloads(ground, order, spots)
    done = _place_jobs(ground, order, jobs, volumes)
    discards = place_discards(ground)
    ground.problems += [*clashing_listeners(placed), *unread_problems(ground)]
    with ground.collect():
        _check_order(placed, done, ground)
    secrets = _secrets(ground)
    checks = tuple(_checks(ground))
    endpoints = tuple(_endpoints(ground))
    client = _client(ground)
    ground.problems += _unknown_secrets([*placed.values(), *done.values(), *discards], secrets)
    ground.finish()
    return Desired(
        cloud=cloud_file.cloud.cloud,
        release=cloud_file.cloud.release,
        hosts=tuple(cloud_file.cloud.hosts),
        workloads=tuple(placed.values()),
        jobs=tuple(done.values()),
        volumes=volumes,
        secrets=secrets,
        secret_versions={name: secret_versions.get(name, 1) for name in secrets},
        images=_used_images(images, placed, done),
        checks=checks,
        endpoints=endpoints,
        explained=explained,
        client=client,
        discards=discards,
    )


def _choice_problems(ground: Ground) -> Iterator[Problem]:
    """Services and releases that the catalogue does not have."""
    known, file = ground.catalogue.folders, ground.cloud_file
    for index, name in enumerate(ground.cloud.services):
        if name not in known:
            listed = ", ".join(f"`{each}`" for each in known)
            hint = did_you_mean(name, known) or f"the catalogue has {listed}"
            yield Problem(f"unknown service `{name}`", file.place("services", index), hint)
    if ground.cloud.release not in ground.catalogue.locks:
        listed = ", ".join(f"`{each}`" for each in ground.catalogue.locks)
        hint = f"releases with a lock: {listed}" if listed else "the catalogue has no lock at all"
        message = f"release `{ground.cloud.release}` has no lock in the catalogue"
        yield Problem(message, file.place("release"), hint)


def _address_problems(ground: Ground) -> Iterator[Problem]:
    """Several load balancers need an address of their own, which goes to one of them at a time."""
    hosts, said = in_group(ground, "control"), ground.cloud.api_address
    if len(hosts) < 2 or CAPABILITY not in ground.providers:
        return
    owner = next((name for name, host in ground.cloud.hosts.items() if host.address == said), None)
    if said is None or owner is not None:
        why = "and no `api_address`" if said is None else f"and `api_address` is that of host `{owner}`"
        place = ground.cloud_file.place("api_address") if said else ground.cloud_file.place("hosts")
        hint = "choose an address of their network that no machine has; it goes to one healthy control host at a time"
        yield Problem(f"the cloud has {len(hosts)} control hosts {why}", place, hint)


def _instances(spots: list[Spot], jobs: list[Spot]) -> dict[tuple[str, str], tuple[str, ...]]:
    """(service, name) → ids."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for spot in spots:
        key = (spot.service, spot.name)
        found[key] = (*found.get(key, ()), f"{spot.name}@{spot.host}")
    for spot in jobs:
        key = (spot.service, spot.name)
        found[key] = (*found.get(key, ()), f"{spot.service}/{spot.name}@{spot.host}")
    return found


def _place_workloads(ground: Ground, order: Order, spots: list[Spot]) -> dict[str, PlacedWorkload]:
    placed: dict[str, PlacedWorkload] = {}
    for spot in spots:
        with ground.collect():
            workload = place_workload(ground, order, spot)
            placed[workload.id] = workload
    return placed


def _place_jobs(
    ground: Ground, order: Order, spots: list[Spot], volumes: tuple[DesiredVolume, ...]
) -> dict[str, PlacedJob]:
    placed: dict[str, PlacedJob] = {}
    for spot in spots:
        with ground.collect():
            job = place_job(ground, order, spot, _data(ground, spot, volumes))
            placed[job.id] = job
    return placed


def _data(ground: Ground, spot: Spot, volumes: tuple[DesiredVolume, ...]) -> tuple[str, ...]:
    """Kept volumes of the service and of all the job stands on: with another one, its effect is gone."""
    service = ground.folder(spot.service).service
    requires = service.jobs[spot.name].requires
    services = {spot.service}
    for capability in service.requires if requires is None else requires:
        services |= _foundations(ground, ground.providers.get(capability))
    return tuple(sorted({volume.name for volume in volumes if volume.keep and volume.service in services}))


def _foundations(ground: Ground, service: str | None) -> set[str]:
    """A service and everything it requires, directly or through others."""
    found: set[str] = set()
    todo = [service]
    while todo:
        name = todo.pop()
        if name is not None and name not in found:
            found.add(name)
            todo += [ground.providers.get(capability) for capability in ground.folder(name).service.requires]
    return found


def _check_order(workloads: dict[str, PlacedWorkload], jobs: dict[str, PlacedJob], ground: Ground) -> None:
    both: list[PlacedWorkload | PlacedJob] = [*workloads.values(), *jobs.values()]
    check_circles(ground, {each.id: each.needs for each in both}, {each.id: each.service for each in both})


def _secrets(ground: Ground) -> dict[str, Secret]:
    """Every secret of the cloud by name; names of certificates rendered."""
    found = {
        RESERVED_SECRETS[0]: Secret(type="authority", help="Certificate of the cloud's own authority", fixed=TRUSTED)
    }
    for service in ground.services:
        folder = ground.folder(service)
        for name, secret in folder.service.secrets.items():
            with ground.collect():
                found[name] = _with_names(ground, service, secret, ("secrets", name), {})
        for capability in folder.service.requires:
            if capability in ground.providers:
                found |= _made_for(ground, service, capability)
    return dict(sorted(found.items()))


def _unknown_secrets(holders: list[PlacedWorkload | PlacedJob], secrets: Mapping[str, Secret]) -> Iterator[Problem]:
    """References that were written out by hand and lead nowhere."""
    for holder in holders:
        for file in holder.files:
            for name in file.secrets:
                if name not in secrets:
                    message = f"file `{file.name}` refers to the secret `{name}`, which nobody declares"
                    place = file.layers[-1].place if file.layers else file.origin
                    yield Problem(message, place, did_you_mean(name, secrets) or "declare it under `secrets`")


def _made_for(ground: Ground, consumer: str, capability: str) -> dict[str, Secret]:
    provider = ground.providers[capability]
    found: dict[str, Secret] = {}
    for key, (name, secret) in consumer_secrets(ground, consumer, capability).items():
        with ground.collect():
            keys = ("provides", capability, "secrets", key)
            extra = {"consumer": Scope("consumer", {"service": consumer})}
            found[name] = _with_names(ground, provider, secret, keys, extra)
    return found


def _with_names(
    ground: Ground, service: str, secret: Secret, keys: tuple[str, ...], extra: Mapping[str, Any]
) -> Secret:
    if not secret.names:
        return secret
    context = {**ground.context(service, home(ground, service)), **extra}
    place = ground.folder(service).place(*keys, "names")
    texts = [render_text(ground.environment(service), name, context, place) for name in secret.names]
    names = [name for text in texts for name in text.replace(",", " ").split()]
    return secret.model_copy(update={"names": tuple(dict.fromkeys(names))})


def _used_images(
    images: Mapping[str, str], workloads: Mapping[str, PlacedWorkload], jobs: Mapping[str, PlacedJob]
) -> dict[str, str]:
    used = {each.image for each in workloads.values()} | {each.image for each in jobs.values()}
    return {name: images[name] for name in sorted(used)}


def _checks(ground: Ground) -> Iterator[PlacedCheck]:
    for service in ground.services:
        for name, check in ground.folder(service).service.checks.items():
            with ground.collect():
                yield from _placed_check(ground, service, name, check)


def _placed_check(ground: Ground, service: str, name: str, check: Check) -> Iterator[PlacedCheck]:
    folder, environment = ground.folder(service), ground.environment(service)
    place = partial(folder.place, "checks", name)
    if check.http is not None:
        context = ground.context(service, home(ground, service))
        url = render_text(environment, check.http, context, place("http"))
        if not url.startswith(("http://", "https://")):
            message = f"check `{name}` must ask a whole URL; it is `{url}`"
            raise InputError(Problem(message, place("http"), "for example \"{{ frontends['name'].url }}/\""))
        yield PlacedCheck(name, service, check.help, http=url)
    if check.in_ is not None and check.run is not None:
        for host in placed_on(ground, service, check.in_):
            context = workload_context(ground, service, check.in_, host)
            run = render_text(environment, check.run, context, place("run"))
            yield PlacedCheck(name, service, check.help, container=container_name(check.in_), host=host, run=run)


def _endpoints(ground: Ground) -> Iterator[Endpoint]:
    for service in ground.services:
        for name in frontends_of(ground, service):
            with ground.collect():
                if placed_on(ground, service, name):
                    frontend = frontend_of(ground, service, name)
                    yield Endpoint(service, name, frontend["url"], frontend["internal_only"])


def _client(ground: Ground) -> dict[str, Any]:
    """What `clouds.yaml` is made of, from the provider of identity; empty when the cloud has none."""
    provider = ground.providers.get(CLIENT_CAPABILITY)
    if provider is None:
        return {}
    values = ground.folder(provider).service.provides[CLIENT_CAPABILITY].values
    client: dict[str, Any] = {}
    nobody = Scope("consumer", {"service": "client"})
    for key, source in _CLIENT_KEYS.items():
        if source in values:
            with ground.collect():
                client[key] = provided_value(ground, CLIENT_CAPABILITY, source, nobody, home(ground, provider))
    return client
