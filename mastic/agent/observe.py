"""A host as it is now → JSON in the shape of ObservedHost; changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mastic.agent.engine import Container, Engine, EngineError, Volume
from mastic.agent.facts import read_facts
from mastic.agent.files import observe_files
from mastic.agent.pending import stamps_in_force, with_moving
from mastic.agent.records import IN_FORCE, JOBS, Records
from mastic.agent.slots import LABEL, folder_of_container

DEFAULT_ENGINE_FOLDER = "/var/lib/docker"


@dataclasses.dataclass(frozen=True)
class Site:
    """A cloud's places on this host."""

    cloud: str
    config: Path
    records: Records

    @classmethod
    def of(cls, program: dict[str, Any]) -> Site:
        paths = program["paths"]
        return cls(program["cloud"], Path(paths["config"]), Records(Path(paths["agent"])))


def observe(engine: Engine, site: Site, kvm: Callable[[], str]) -> dict[str, Any]:
    """Facts, this cloud's containers, files, volumes, images and job stamps; `kvm` gives its answer when asked last."""
    with ThreadPoolExecutor(8) as pool:
        calls: dict[str, Future[Any]] = {
            "engine": pool.submit(engine.version),
            "folder": pool.submit(engine.root_folder),
            "containers": pool.submit(observe_containers, engine, site, pool),
            "volumes": pool.submit(observe_volumes, engine, site),
            "images": pool.submit(engine.images),
        }
        files = observe_files(site.config, site.records)
        answers: dict[str, Any] = {}
        problem = None
        for name, call in calls.items():
            try:
                answers[name] = call.result()
            except EngineError as error:
                problem = str(error)
        facts = read_facts(answers.get("folder", DEFAULT_ENGINE_FOLDER))
    facts["other_clouds"] = answers.get("containers", {}).pop("other_clouds", [])
    facts.update(engine=answers.get("engine"), engine_problem=problem, kvm=kvm())
    found = {
        "facts": facts,
        "files": files,
        "jobs": stamps_in_force(site.records.read(JOBS), site.records),
        "images": answers.get("images", []),
    }
    return {**found, **answers.get("containers", {}), **answers.get("volumes", {})}


def observe_containers(engine: Engine, site: Site, pool: ThreadPoolExecutor) -> dict[str, Any]:
    """This cloud's workloads by name, and the names of containers that are not this cloud's."""
    labels = engine.containers()
    ours = [name for name, found in labels.items() if found.get("mastic.cloud") == site.cloud]
    workloads = [name for name in ours if "mastic.workload" in labels[name]]
    in_force = site.records.read(IN_FORCE)
    found = [container for container in pool.map(engine.inspect, workloads) if container]
    first: dict[str, dict[str, Any]] = {}
    beside: dict[str, dict[str, Any]] = {}
    # The one that has the workload's own name comes first: its name is a beginning of the other's.
    for container in sorted(found, key=lambda container: container.name):
        workload = container.labels["mastic.workload"]
        there = beside if workload in first else first
        there[workload] = describe(container, in_force.get(folder_of_container(container), {}))
    return {
        "workloads": first,
        "beside": beside,
        "foreign_containers": sorted(set(labels) - set(ours)),
        "other_clouds": sorted(
            {found["mastic.cloud"] for found in labels.values() if "mastic.cloud" in found} - {site.cloud}
        ),
    }


def describe(container: Container, in_force: dict[str, Any]) -> dict[str, Any]:
    """ObservedWorkload but for its host. Files are in force only for the very container they were noted for.

    A container in the place of a noted one was made by somebody else, whatever its labels say: its spec is unknown.
    """
    known = in_force.get("container_id") == container.id
    strange = bool(in_force) and not known
    return {
        "name": container.labels["mastic.workload"],
        "service": container.labels.get("mastic.service", ""),
        "container": container.name,
        "container_id": container.id,
        "spec_digest": "" if strange else container.labels.get("mastic.spec", ""),
        "files_digest": in_force.get("files_digest") if known else None,
        "image": container.image,
        "state": container.state,
        "healthy": {"healthy": True, "unhealthy": False}.get(container.health or ""),
        "started_at": container.started_at,
        "created_at": container.created_at,
        "exit_code": container.exit_code,
        "slot": container.labels.get(LABEL, ""),
        "config": folder_of_container(container),
    }


def our_volumes(engine: Engine, site: Site) -> dict[str, Volume]:
    """This cloud's volumes by name."""
    there = with_moving(engine.volumes(), site.records)
    return {name: volume for name, volume in sorted(there.items()) if volume.labels.get("mastic.cloud") == site.cloud}


def observe_volumes(engine: Engine, site: Site) -> dict[str, Any]:
    """This cloud's volumes with their creation times, where they lie, and which hold no data worth keeping."""
    ours = our_volumes(engine, site)
    return {
        "volume_paths": {name: volume.device for name, volume in ours.items() if volume.device},
        "volumes": {name: volume.created_at for name, volume in ours.items()},
        "disposable_volumes": sorted(name for name, v in ours.items() if v.labels.get("mastic.keep") == "false"),
    }
