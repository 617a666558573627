"""A service taken out of cloud.yml is gone from everywhere but its data, and that goes when it is allowed to."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mastic.verify.api import connect
from tests.e2e.engine import containers, docker, restarted, start_times
from tests.e2e.lab import REPOSITORY, Lab

pytestmark = pytest.mark.cloud
SERVICE = "annex"
"""The process of placement under another name (`turning_off/annex`): real, small, and nobody needs it."""
LATEST = {"OpenStack-API-Version": "placement 1.20"}


@pytest.fixture
def catalogue(definition: Lab, tmp_path: Path) -> Iterator[Path]:
    """One that has the service; in the end the cloud is as it was."""
    before = definition.cloud.read_text(encoding="utf-8")
    folder = tmp_path / "catalogue"
    shutil.copytree(REPOSITORY / "catalogue", folder)
    shutil.copytree(Path(__file__).parent / "turning_off" / SERVICE, folder / SERVICE)
    yield folder
    definition.cloud.write_text(before, encoding="utf-8")
    definition.mastic("apply", "--yes", "--no-verify", "--allow", "data-loss").succeeded()


def entered(cloud: Lab) -> set[str]:
    """What the identity service knows of it."""
    connection = connect(cloud.clouds_yaml)
    services = {service.id: service.name for service in connection.identity.services()}
    found = {f"service {name}" for name in services.values()}
    found |= {f"endpoint {services[endpoint.service_id]}" for endpoint in connection.identity.endpoints()}
    found |= {f"user {user.name}" for user in connection.identity.users()}
    return {each for each in found if each.partition(" ")[2] in (SERVICE, f"{SERVICE}_2")}


def query(statement: str) -> set[str]:
    words = ["mariadb", "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "--batch", "--skip-column-names"]
    return set(docker("exec", "mariadb", *words, f"--execute={statement}").split())


def data() -> set[str]:
    """What it has with others, and its volume."""
    found = {f"database {name}" for name in query("SHOW DATABASES")}
    found |= {f"account {name}" for name in query("SELECT User FROM mysql.user")}
    found |= {f"volume {name}" for name in docker("volume", "ls", "--quiet").split()}
    users = docker("exec", "rabbitmq", "rabbitmqctl", "--silent", "list_users", "--no-table-headers").splitlines()
    found |= {f"broker's account {line.split()[0]}" for line in users}
    return {each for each in found if each.endswith(f" {SERVICE}")}


def is_answered(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((str(parts.hostname), parts.port or 443), 5).close()
    except ConnectionRefusedError:
        return False
    return True


def choose(cloud: Lab, is_wanted: bool) -> None:
    """Write the definition with or without the service."""
    definition = cloud.definition()
    others = [name for name in definition["services"] if name != SERVICE]
    cloud.write({**definition, "services": [*others, *([SERVICE] if is_wanted else [])]})


def apply(cloud: Lab, catalogue: Path, *words: str) -> str:
    """Apply; what was said. Nothing is left to do then, whatever is allowed that was allowed."""
    finished = cloud.mastic("apply", "--yes", "--no-verify", *words, catalogue=catalogue).succeeded()
    assert cloud.mastic("plan", "--check", "--json", *words, catalogue=catalogue).exit_code == 0
    return finished.err


def providers(cloud: Lab) -> list[str]:
    """What is in its database, asked through its API as a user does."""
    session = connect(cloud.clouds_yaml).session
    answer = session.get("/resource_providers", endpoint_filter={"service_type": SERVICE}, headers=LATEST)
    return [each["name"] for each in answer.json()["resource_providers"]]


ALL = {f"database {SERVICE}", f"account {SERVICE}", f"volume {SERVICE}", f"broker's account {SERVICE}"}


def test_it_goes_and_its_data_stays_until_it_may_go(definition: Lab, catalogue: Path) -> None:
    choose(definition, True)
    apply(definition, catalogue)
    assert (entered(definition), data()) == ({f"service {SERVICE}", f"endpoint {SERVICE}", f"user {SERVICE}"}, ALL)
    session = connect(definition.clouds_yaml).session
    url = str(session.get_endpoint(service_type=SERVICE))
    session.post(
        "/resource_providers", json={"name": "kept"}, endpoint_filter={"service_type": SERVICE}, headers=LATEST
    )
    before = start_times(definition.name)

    choose(definition, False)
    said = apply(definition, catalogue)
    assert "run farewell" in said
    assert "stays, and would go with `--allow data-loss`" in said
    # The broker reads its accounts when it starts.
    assert restarted(before, start_times(definition.name)) == {"annex_api", "rabbitmq"}
    assert "annex_api" not in containers(definition.name)
    assert not is_answered(url)
    assert (entered(definition), data()) == (set(), ALL)
    assert definition.mastic("drift", catalogue=catalogue).exit_code == 0

    choose(definition, True)
    apply(definition, catalogue)
    assert providers(definition) == ["kept"]

    choose(definition, False)
    apply(definition, catalogue, "--allow", "data-loss")
    assert (entered(definition), data()) == (set(), set())

    choose(definition, True)
    apply(definition, catalogue)
    assert providers(definition) == []
    assert data() == ALL
