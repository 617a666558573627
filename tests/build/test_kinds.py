"""Kinds: what images and workloads become when a service is made of the distribution's packages."""

from __future__ import annotations

import subprocess
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


CONFIGURATION = {
    "keystone": "[database]\nconnection = sqlite:////tmp/it.sqlite\n[fernet_tokens]\nkey_repository = /tmp/keys\n"
    "[fernet_receipts]\nkey_repository = /tmp/keys\n[credential]\nkey_repository = /tmp/keys\n",
    "glance": "[DEFAULT]\nenabled_backends = file:file\n[glance_store]\ndefault_backend = file\n"
    "[file]\nfilesystem_store_datadir = /tmp\n[os_glance_staging_store]\nfilesystem_store_datadir = /tmp\n"
    "[os_glance_tasks_store]\nfilesystem_store_datadir = /tmp\n[database]\nconnection = sqlite:////tmp/it.sqlite\n"
    "[paste_deploy]\nconfig_file = /var/lib/kolla/venv/etc/glance/glance-api-paste.ini\n",
    "placement": "[placement_database]\nconnection = sqlite:////tmp/it.sqlite\n[api]\nauth_strategy = noauth2\n",
}
SERVED = {
    "keystone": ("keystone", "keystone-manage db_sync", "keystone.wsgi.api:application", "/v3"),
    "glance-api": ("glance", "glance-manage db_sync", "glance.common.wsgi_app:init_app()", "/versions"),
    "placement-api": ("placement", "placement-manage db sync", "placement.wsgi.api:application", "/"),
}
SCRIPT = """
set -e
mkdir -p /tmp/keys
python3 -c 'import base64, os; open("/tmp/keys/0", "wb").write(base64.urlsafe_b64encode(os.urandom(32)))'
cp /tmp/keys/0 /tmp/keys/1
{sync} >/tmp/sync.log 2>&1 || {{ tail -20 /tmp/sync.log; exit 1; }}
gunicorn --config /usr/local/share/mastic/gunicorn.conf.py --bind 127.0.0.1:9999 '{application}' >/tmp/api.log 2>&1 &
curl --silent --retry 60 --retry-delay 1 --retry-connrefused http://127.0.0.1:9999{path} \\
 || {{ tail -20 /tmp/api.log; exit 1; }}
echo
id -un
"""


@pytest.mark.engine
@pytest.mark.parametrize("image", SERVED)
def test_a_binary_image_serves(image: str, tmp_path: Path) -> None:
    reference = image_graph(load_catalogue(shipped_catalogue()), laptop(kind="binary")).references[image]
    if subprocess.run(["docker", "image", "inspect", reference], capture_output=True, check=False).returncode:
        pytest.skip(f"{reference} is not built")
    service, sync, application, path = SERVED[image]
    name = "glance-api.conf" if service == "glance" else f"{service}.conf"
    (tmp_path / name).write_text(CONFIGURATION[service])
    script = SCRIPT.format(sync=sync, application=application, path=path)
    command = ["docker", "run", "--rm", "--network=none", "--entrypoint=bash"]
    command += [f"--volume={tmp_path / name}:/etc/{service}/{name}:ro", reference, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"id": "v' in done.stdout and done.stdout.splitlines()[-1] == service
