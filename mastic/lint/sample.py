"""A catalogue → clouds of one made-up host that together use every service of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mastic.model.catalogue import Catalogue, CloudFile, ServiceFolder
from mastic.model.cloud import Cloud, Host
from mastic.model.observed import HostFacts
from mastic.model.service import Setting

HOST = "laptop"


def sample_clouds(catalogue: Catalogue) -> list[CloudFile]:
    """One cloud of all services; where several provide the same, one cloud for each of these."""
    services = list(catalogue.folders)
    clouds = [_without_rivals(catalogue, services)] if services else []
    for name in services:
        if not any(name in chosen for chosen in clouds):
            clouds.append(_without_rivals(catalogue, [name, *(each for each in services if each != name)]))
    return [sample_cloud(catalogue, tuple(sorted(chosen))) for chosen in clouds]


def sample_cloud(catalogue: Catalogue, services: tuple[str, ...]) -> CloudFile:
    """A cloud of these services on one host that is in every group."""
    folders = [catalogue.folders[name] for name in services]
    wanted = {each.place.group for folder in folders for each in folder.service.workloads.values()}
    groups = sorted(wanted.union(Host().groups))
    releases = sorted(catalogue.locks) or ["2026.2"]
    cloud = Cloud(
        cloud=HOST,
        release=releases[-1],
        hosts={HOST: Host(groups=tuple(groups))},
        services=services,
        settings={folder.service.service: said for folder in folders if (said := sample_settings(folder))},
    )
    return CloudFile(cloud, Path("cloud.yml"))


def sample_facts(cloud_file: CloudFile) -> dict[str, HostFacts]:
    """Facts of a host that has everything."""
    return {name: _facts(name) for name in cloud_file.cloud.hosts}


def sample_references(catalogue: Catalogue) -> dict[str, str]:
    """References of all images that only have the right form."""
    return {image: f"mastic/{image}:0000000000000000" for image in catalogue.image_owners()}


def sample_settings(folder: ServiceFolder) -> dict[str, Any]:
    """A value for every setting that has no default."""
    settings: Mapping[str, Setting] = folder.service.settings
    return {
        name: _sample(setting)
        for name, setting in settings.items()
        if setting.required or "default" not in setting.model_fields_set
    }


def _without_rivals(catalogue: Catalogue, services: list[str]) -> list[str]:
    """The first service that provides each capability, and no other one that does."""
    taken: set[str] = set()
    chosen = []
    for name in services:
        provides = set(catalogue.folders[name].service.provides)
        if not provides & taken:
            chosen.append(name)
            taken |= provides
    return chosen


def _facts(name: str) -> HostFacts:
    return HostFacts(
        cpus=4,
        memory_bytes=16 << 30,
        disk_free_bytes=100 << 30,
        addresses=("127.0.0.1",),
        engine="docker 20.10.24",
        hostname=name,
    )


def _sample(setting: Setting) -> Any:
    samples: dict[str, Any] = {
        "string": "sample",
        "integer": int(setting.minimum or 1),
        "number": setting.minimum or 1.0,
        "boolean": True,
        "port": 12345,
        "choice": setting.choices[0] if setting.choices else "",
        "list": ["sample"],
        "address": "192.0.2.10",
        "cidr": "192.0.2.0/24",
        "size": "1G",
    }
    return samples[setting.type]
