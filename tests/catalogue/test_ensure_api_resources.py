"""`ensure_api_resources` against a small API: makes what is missing, once, in order."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.catalogue.small_api import SmallApi, small_api

PROGRAM = Path(__file__).parents[2] / "catalogue/_shared/image/ensure_api_resources"


@pytest.fixture
def api() -> Iterator[SmallApi]:
    with small_api() as server:
        yield server


def run(api: SmallApi, folder: Path, *resources: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    auth: dict[str, Any] = {
        "auth_url": f"{api.url}/identity",
        "username": "admin",
        "password": "p",
        "project_name": "admin",
    }
    auth |= {"user_domain_name": "Default", "project_domain_name": "Default", "region_name": "here", "cafile": ""}
    path = folder / "resources.json"
    path.write_text(json.dumps({"auth": auth, "resources": resources}))
    return subprocess.run([sys.executable, PROGRAM, path], capture_output=True, text=True, check=False)


def network(name: str) -> dict[str, Any]:
    base: dict[str, Any] = {"service": "network", "path": "/v2.0/networks", "collection": "networks", "key": "network"}
    return base | {"label": name, "match": {"name": name}, "body": {"name": name, "shared": False}}


SUBNET = {
    "label": "subnet",
    "service": "network",
    "path": "/v2.0/subnets",
    "collection": "subnets",
    "key": "subnet",
    "query": {"network_id": "<id:b>"},
    "match": {"network_id": "<id:b>", "pools": [{"start": "10.0.0.2"}]},
    "body": {"network_id": "<id:b>", "pools": [{"start": "10.0.0.2", "end": "10.0.0.9"}]},
}


def test_makes_what_is_missing_and_refers_to_it(api: SmallApi, tmp_path: Path) -> None:
    done = run(api, tmp_path, network("a"), network("b"), SUBNET)
    assert done.returncode == 0, done.stderr
    assert [each["name"] for each in api.collections["networks"]] == ["a", "b"]
    assert api.collections["subnets"][0]["network_id"] == "networks-2"


def test_second_run_changes_nothing(api: SmallApi, tmp_path: Path) -> None:
    run(api, tmp_path, network("a"), network("b"), SUBNET)
    before = api.changes()
    done = run(api, tmp_path, network("a"), network("b"), SUBNET)
    assert done.returncode == 0, done.stderr
    assert api.changes() == before
    assert done.stdout.count("there already") == 3


def test_finds_what_is_on_a_later_page(api: SmallApi, tmp_path: Path) -> None:
    api.collections["networks"] = [{"id": str(number), "name": f"n{number}"} for number in range(5)]
    done = run(api, tmp_path, network("n4"))
    assert done.returncode == 0, done.stderr
    assert api.changes() == []


def test_asks_again_after_a_passing_refusal(api: SmallApi, tmp_path: Path) -> None:
    api.refusals = [403, 503]
    done = run(api, tmp_path, network("a"))
    assert done.returncode == 0, done.stderr
    assert len(api.collections["networks"]) == 1
    assert api.changes() == ["POST /v2.0/networks"] * 3


def test_tells_what_the_api_said_when_it_refuses_for_good(api: SmallApi, tmp_path: Path) -> None:
    api.refusals = [400]
    done = run(api, tmp_path, network("a"))
    assert done.returncode == 1
    assert '"refused": true' in done.stderr
    assert "Traceback" not in done.stderr


def test_uploads_a_file_only_while_the_image_waits_for_it(api: SmallApi, tmp_path: Path) -> None:
    content = tmp_path / "disk"
    content.write_bytes(b"bytes" * 1000)
    image: dict[str, Any] = {"label": "guest", "service": "image", "path": "/v2/images", "collection": "images"}
    image |= {"match": {"name": "guest"}, "body": {"name": "guest"}, "file": str(content)}
    assert run(api, tmp_path, image).returncode == 0
    assert api.uploads == {"/v2/images/images-1/file": content.read_bytes()}
    api.uploads.clear()
    api.collections["images"][0]["status"] = "active"
    assert run(api, tmp_path, image).returncode == 0
    assert api.uploads == {}


def test_makes_by_another_request(api: SmallApi, tmp_path: Path) -> None:
    interface: dict[str, Any] = {
        "label": "interface",
        "service": "network",
        "path": "/v2.0/ports",
        "collection": "ports",
    }
    interface |= {"match": {"device": "<id:a>"}, "body": {"subnet_id": "x"}}
    interface |= {"create": {"method": "PUT", "path": "/v2.0/routers/<id:a>/add_router_interface"}}
    done = run(api, tmp_path, network("a"), interface)
    assert done.returncode == 0, done.stderr
    assert json.loads(api.uploads["/v2.0/routers/networks-1/add_router_interface"]) == {"subnet_id": "x"}
