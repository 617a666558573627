"""Whatever somebody changes by hand is named by one `mastic drift`, and `mastic apply` puts right exactly that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mastic.verify.api import connect
from tests.e2e.engine import containers, docker, restarted, start_times
from tests.e2e.lab import Lab

pytestmark = pytest.mark.cloud
MARIADB = ("mariadb", "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "--batch", "--skip-column-names")


def remake(name: str, container: dict[str, Any]) -> None:
    """The same image by hand, with other options."""
    labels = {key: value for key, value in container["Config"]["Labels"].items() if key != "mastic.spec"}
    said = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    docker("rm", "--force", name)
    docker(
        "run",
        "--detach",
        "--name",
        name,
        "--network",
        "host",
        *said,
        "--entrypoint",
        "sleep",
        container["Image"],
        "600",
    )


def edit(name: str, container: dict[str, Any], file: str) -> None:
    """One more line in a file of a container, on the host."""
    (source,) = [mount["Source"] for mount in container["Mounts"] if mount["Destination"].endswith("/config_files")]
    with (Path(source) / file).open("a", encoding="utf-8") as opened:
        opened.write("\n# by hand\n")


def take_rights() -> None:
    """The account that is in force loses its database."""
    query = "--execute=SELECT User FROM mysql.db WHERE Db = 'placement'"
    for account in docker("exec", "mariadb", *MARIADB, query).split():
        docker("exec", "mariadb", *MARIADB, f"--execute=REVOKE ALL PRIVILEGES ON `placement`.* FROM '{account}'@'%'")


def delete_endpoint(cloud: Lab) -> None:
    identity = connect(cloud.clouds_yaml).identity
    (service,) = [each for each in identity.services() if each.type == "image"]
    (endpoint,) = [each for each in identity.endpoints(service_id=service.id, interface="public")]
    identity.delete_endpoint(endpoint)


@pytest.fixture
def healed(cloud: Lab) -> Iterator[Lab]:
    """The cloud is put right afterwards, also by a test that fails."""
    yield cloud
    cloud.mastic("apply", "--yes", "--no-verify").succeeded()


def drifted(cloud: Lab) -> dict[str, str]:
    """Resource → what happened to it; the exit code says whether anything did."""
    finished = cloud.mastic("drift", "--json")
    found = {each["resource"]: each["what"] for each in finished.one("result")["result"]}
    assert finished.exit_code == (2 if found else 0)
    return found


def test_everything_is_named_and_put_right(healed: Lab) -> None:
    assert drifted(healed) == {}
    there, before = containers(healed.name), start_times(healed.name)
    docker("stop", "placement_api")
    docker("rm", "--force", "glance_api")
    remake("memcached", there["memcached"])
    edit("nova_conductor", there["nova_conductor"], "nova.conf")
    take_rights()
    delete_endpoint(healed)

    found = drifted(healed)
    assert found.keys() == {
        "placement-api",
        "glance-api",
        "memcached",
        "nova-conductor",
        "mariadb/accounts",
        "keystone/register",
    }
    assert found["placement-api"] == "stopped"
    assert found["glance-api"] == "gone"
    assert found["memcached"] == "made anew by somebody else"
    assert found["nova-conductor"] == "nova.conf edited by hand"
    assert "has not all rights on database placement" in found["mariadb/accounts"]
    assert "endpoint public" in found["keystone/register"]

    healed.mastic("apply", "--yes", "--no-verify").succeeded()
    assert drifted(healed) == {}
    touched = {"placement_api", "glance_api", "memcached", "nova_conductor"}
    assert restarted(before, start_times(healed.name)) == touched
