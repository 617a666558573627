"""Kinds: what images and workloads become when a service is made of the distribution's packages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mastic.build.graph import image_graph
from mastic.cli.options import shipped_catalogue
from mastic.errors import InputError
from mastic.lint.sample import sample_facts
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from mastic.model.catalogue import CloudFile
from mastic.resolve.desired import resolve
from tests.build.serving import KEYSTONE, Served, served

LAPTOP = Path(__file__).parents[2] / "examples/laptop/cloud.yml"
PYTHON_SERVICES = ("keystone", "glance", "placement", "neutron", "nova")


def laptop(**more: Any) -> CloudFile:
    file = load_cloud(LAPTOP)
    return replace(file, cloud=file.cloud.model_copy(update={"release": "2025.1", **more}))


def test_a_binary_cloud_installs_nothing_from_the_lock() -> None:
    graph = image_graph(load_catalogue(shipped_catalogue()), laptop(kind="binary"))
    assert not [name for name, node in graph.nodes.items() if "context/requirements.txt" in node.context]
    assert "openstack-base" not in graph.nodes
    assert "install-python" not in "".join(node.dockerfile for node in graph.nodes.values())
    assert graph.nodes["glance-api"].parent == "binary-base"
    assert "glance-common qemu-utils" in " ".join(graph.nodes["glance-api"].dockerfile.split()) or (
        "qemu-utils glance-common" in graph.nodes["glance-api"].dockerfile
    )


def test_one_binary_service_leaves_the_others() -> None:
    catalogue = load_catalogue(shipped_catalogue())
    source, mixed = image_graph(catalogue, laptop()), image_graph(catalogue, laptop(kinds={"glance": "binary"}))
    differ = {name for name in source.references if source.references[name] != mixed.references.get(name)}
    assert differ == {"glance-api", "glance-schema"}


def test_a_workloads_command_depends_on_the_kind() -> None:
    catalogue = load_catalogue(shipped_catalogue())
    commands = {}
    for kind in ("source", "binary"):
        file = laptop(kind=kind)
        references = image_graph(catalogue, file).references
        desired = resolve(catalogue, file, sample_facts(file), references, {})
        workload = desired.workload("glance-api@laptop")
        assert workload
        commands[kind] = next(each.content for each in workload.files if each.name == "config.json")
    assert "glance.wsgi.api:application" in commands["source"]
    assert "glance.common.wsgi_app:init_app()" in commands["binary"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"kind": "binary", "release": "2026.2"}, "packages of `debian-trixie` are release 2025.1 of OpenStack"),
        ({"kinds": {"glanse": "binary"}}, "did you mean `glance`"),
    ],
)
def test_what_cannot_be_had(more: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        image_graph(load_catalogue(shipped_catalogue()), laptop(**more))


def test_a_service_without_packages_is_told() -> None:
    catalogue = load_catalogue(shipped_catalogue())
    folder = catalogue.folders["glance"]
    image = folder.service.images["glance-api"].model_copy(update={"binary": None})
    service = folder.service.model_copy(update={"images": {"glance-api": image}})
    changed = replace(catalogue, folders={**catalogue.folders, "glance": replace(folder, service=service)})
    with pytest.raises(InputError, match=r"`glance-api` cannot be made of the distribution's packages"):
        image_graph(changed, laptop(kind="binary"))


SERVED = {
    "keystone": KEYSTONE,
    "glance-api": Served("glance", "glance-manage db_sync", "glance.common.wsgi_app:init_app()", "/versions"),
    "placement-api": Served("placement", "placement-manage db sync", "placement.wsgi.api:application", "/"),
}


@pytest.mark.engine
@pytest.mark.parametrize("image", SERVED)
def test_a_binary_image_serves(image: str, tmp_path: Path) -> None:
    graph = image_graph(load_catalogue(shipped_catalogue()), laptop(kind="binary"))
    answer, user = served(graph, image, SERVED[image], tmp_path)
    assert '"id": "v' in answer and user == SERVED[image].service
