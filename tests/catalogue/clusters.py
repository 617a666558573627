"""What tests of clustered services share: the engine, and the catalogue resolved for three control hosts."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

from mastic.build.graph import image_graph
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from mastic.model.desired import PlacedWorkload
from tests.build.standing import standing
from tests.cases.runner import resolve_at

CATALOGUE = Path(__file__).parents[2] / "catalogue"


def docker(*words: str, seconds: float = 120) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True, timeout=seconds).stdout


def standing_of_three(folder: Path, image: str) -> str:
    """An image of the cloud that `resolve_three` wrote."""
    (found,) = standing(image, graph=image_graph(load_catalogue(CATALOGUE), load_cloud(folder / "cloud.yml")))
    return found


def resolve_three(folder: Path, addresses: Mapping[str, str], virtual: str) -> tuple[PlacedWorkload, ...]:
    """The workloads of a small cloud with a control host at each address."""
    said = {
        "cloud": "three",
        "api_address": virtual,
        "hosts": {name: {"address": address, "groups": ["control"]} for name, address in addresses.items()},
        "services": ["mariadb", "haproxy", "keepalived"],
        "settings": {"mariadb": {"buffer_pool": "64M"}},
    }
    (folder / "cloud.yml").write_text(yaml.safe_dump(said), encoding="utf-8")
    return resolve_at(CATALOGUE, folder / "cloud.yml").workloads
