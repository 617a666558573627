"""Data comes back from an archive, and is the same at another place."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lab import Lab, run
from tests.e2e.test_30_clients import openstack

pytestmark = pytest.mark.cloud
PROJECT = "back-again"
PLACE = Path("/var/lib/mastic-volumes")
"""Not a folder for temporary files: a cloud that is kept goes on with its images there."""


def projects(cloud: Lab) -> set[str]:
    return {row["Name"] for row in json.loads(openstack(cloud, "project", "list").succeeded().out)}


@pytest.fixture
def project(cloud: Lab) -> Iterator[str]:
    openstack(cloud, "project", "create", PROJECT).succeeded()
    yield PROJECT
    run(
        [*client(), "project", "delete", PROJECT],
        environment={"OS_CLIENT_CONFIG_FILE": str(cloud.clouds_yaml)},
    ).succeeded()


def client() -> list[str]:
    return [str(Path(sys.executable).parent / "openstack"), "--os-cloud", "mastic"]


def test_list_names_hosts_users_and_sizes(cloud: Lab) -> None:
    rows = {
        row["name"]: row
        for row in cloud.mastic("volume", "list", "--json").succeeded().one("result")["result"]["volumes"]
    }
    assert rows["mariadb"]["used_by"] == ["mariadb"]
    assert rows["mariadb"]["size"] > 1 << 20
    assert (rows["mariadb"]["kept"], rows["mariadb_socket"]["kept"]) == (True, False)


def test_destroyed_project_comes_back(cloud: Lab, project: str, tmp_path: Path) -> None:
    cloud.mastic("volume", "backup", "mariadb", "--to", str(tmp_path), "--yes").succeeded()
    [archive] = tmp_path.glob("*.tar")
    subprocess.run(["sha256sum", "--check", f"{archive.name}.sha256"], cwd=tmp_path, check=True, capture_output=True)
    run(
        [*client(), "project", "delete", project], environment={"OS_CLIENT_CONFIG_FILE": str(cloud.clouds_yaml)}
    ).succeeded()
    assert project not in projects(cloud)

    refused = cloud.mastic("volume", "restore", str(archive), "--yes")
    assert refused.exit_code == 1
    assert "--allow data-loss" in refused.err
    assert project not in projects(cloud)

    cloud.mastic("volume", "restore", str(archive), "--allow", "data-loss", "--yes").succeeded()
    assert project in projects(cloud)
    assert cloud.mastic("plan", "--check", "--json").exit_code == 0


def image_digest(cloud: Lab, path: Path) -> str:
    """sha512 of an image as a user downloads it."""
    run(
        [*client(), "image", "save", "--file", str(path), "mastic-guest"],
        environment={"OS_CLIENT_CONFIG_FILE": str(cloud.clouds_yaml)},
    ).succeeded()
    return hashlib.sha512(path.read_bytes()).hexdigest()


def test_moved_images_are_the_same(definition: Lab, tmp_path: Path) -> None:
    before = image_digest(definition, tmp_path / "before")
    place = PLACE / f"{definition.name}-{os.getpid()}" / "glance"
    definition.mastic("volume", "move", "glance", "--to", str(place), "--yes").succeeded()
    assert definition.definition()["volumes"] == {"glance": str(place)}
    assert definition.mastic("plan", "--check", "--json").exit_code == 0
    shown = json.loads(run(["docker", "volume", "inspect", "glance"]).succeeded().out)
    assert shown[0]["Options"]["device"] == str(place)
    assert image_digest(definition, tmp_path / "after") == before
