"""What the container engine says, asked with its own client, not with mastic."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.lab import run


def docker(*words: str, seconds: float = 120) -> str:
    """Standard output of a `docker` command that must succeed."""
    return run(["docker", *words], seconds).succeeded().out


def containers(cloud: str) -> dict[str, dict[str, Any]]:
    """Every container of the cloud by name, as `docker inspect` shows it."""
    ids = docker("ps", "--all", "--quiet", "--filter", f"label=mastic.cloud={cloud}").split()
    found = json.loads(docker("inspect", *ids)) if ids else []
    return {container["Name"].removeprefix("/"): container for container in found}


def start_times(cloud: str) -> dict[str, tuple[str, str]]:
    """Name → (id, when its process started) of the running containers."""
    return {
        name: (container["Id"], container["State"]["StartedAt"])
        for name, container in containers(cloud).items()
        if container["State"]["Running"]
    }


def restarted(before: dict[str, tuple[str, str]], after: dict[str, tuple[str, str]]) -> set[str]:
    """Names of containers that came, went, were replaced or restarted."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def container_logs(name: str) -> str:
    """Everything a container wrote."""
    finished = run(["docker", "logs", name])
    return finished.out + finished.err
