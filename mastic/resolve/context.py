"""Everything a template of a service sees on a host, put together from settings, bindings and frontends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mastic.errors import did_you_mean
from mastic.model.catalogue import Catalogue, CloudFile, ServiceFolder
from mastic.model.observed import HostFacts
from mastic.model.options import OptionSource
from mastic.resolve.bindings import bindings_of, consumers_of
from mastic.resolve.filters import Refused
from mastic.resolve.frontends import SHIFT, frontend_of, frontends_of
from mastic.resolve.ground import Ground
from mastic.resolve.hosts import cloud_scopes
from mastic.resolve.kinds import as_wanted
from mastic.resolve.requirements import drop_unwanted_requirements
from mastic.resolve.scope import Scope
from mastic.resolve.secrets import authority_reference, reference
from mastic.resolve.settings import settings_of


def ground_of(
    catalogue: Catalogue,
    cloud_file: CloudFile,
    facts: Mapping[str, HostFacts],
    images: Mapping[str, str],
    secret_versions: Mapping[str, int] | None = None,
) -> Ground:
    """What a resolution stands on, before it began; its problems and providers are still to be found."""
    services = tuple(name for name in cloud_file.cloud.services if name in catalogue.folders)
    catalogue = as_wanted(catalogue, cloud_file)
    ground = Ground(catalogue, cloud_file, facts, images, service_context, secret_versions or {}, services)
    drop_unwanted_requirements(ground)
    return ground


def workload_context(
    ground: Ground, service: str, workload: str, host: str, port: int | str | None = None
) -> dict[str, Any]:
    """What templates of one workload see on a host; `port` stands for the one it listens on."""
    declared = ground.folder(service).service.workloads[workload]
    later: dict[str, Callable[[], Any]] = {}
    if declared.frontend is not None:
        later["port"] = lambda: port or frontend_of(ground, service, workload)["port"] + SHIFT
    return {
        **ground.context(service, host),
        "listen": Scope("listen", {"address": ground.cloud.hosts[host].address}, later),
        "workload": workload,
        "container": container_name(workload),
        "image_user": image_user(ground, declared.image),
    }


def container_name(workload: str) -> str:
    """Kolla's name of a workload's container."""
    return workload.replace("-", "_")


def image_user(ground: Ground, image: str) -> str:
    """Unix user an image runs as."""
    return image_user_of(ground.catalogue, image)


def image_user_of(catalogue: Catalogue, image: str) -> str:
    """Unix user an image runs as: its own, or that of the nearest image it is built on."""
    owners = catalogue.image_owners()
    seen: set[str] = set()
    while image in owners and image not in seen:
        seen.add(image)
        declared = owners[image].service.images[image]
        if declared.user:
            return declared.user
        image = declared.from_
    return "root"


def option_source_of(catalogue: Catalogue, image: str) -> OptionSource | None:
    """How the options that programs of an image take are found: its own word and that of every image below it."""
    owners = catalogue.image_owners()
    namespaces: dict[str, None] = {}
    sections: dict[str, str] = {}
    seen: set[str] = set()
    while image in owners and image not in seen:
        seen.add(image)
        declared = owners[image].service.images[image]
        namespaces |= dict.fromkeys(declared.options)
        sections = declared.option_sections | sections
        image = declared.from_
    return OptionSource(namespaces=tuple(namespaces), sections=sections) if namespaces else None


def service_context(ground: Ground, service: str, host: str) -> dict[str, Any]:
    """What templates of a service see on a host, whichever workload they belong to; ask `ground.context` for it."""
    context = cloud_scopes(ground, host)
    folder = ground.folder(service)
    context["settings"] = settings_of(ground, service, host)
    context["bindings"] = bindings_of(ground, service, host)
    context["consumers"] = consumers_of(ground, service, host)
    context["frontends"] = frontends_of(ground, service)
    context["secret"] = _secret_function(folder)
    context["image"] = _image_function(ground)
    context["certificate_authority"] = authority_reference()
    return context


def _secret_function(folder: ServiceFolder) -> Callable[[str], str]:
    known = folder.service.secrets

    def secret(name: str) -> str:
        if name not in known:
            hint = did_you_mean(name, known) or "declare it under `secrets` in service.yml"
            raise Refused(f"`{folder.service.service}` has no secret `{name}`", hint)
        return reference(name)

    return secret


def _image_function(ground: Ground) -> Callable[[str], str]:
    def image(name: str) -> str:
        if name not in ground.images:
            raise Refused(f"there is no image `{name}`", did_you_mean(name, ground.images))
        return ground.images[name]

    return image
