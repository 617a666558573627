"""Every secret of the cloud is exchanged, and returned to, while steady requests are all answered."""

from __future__ import annotations

import json
import secrets
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from mastic.verify.api import connect
from tests.e2e.engine import docker
from tests.e2e.lab import Finished, Lab
from tests.e2e.prober import Prober, probes_of, remove_groups

pytestmark = pytest.mark.cloud

NAME = "prober"


@pytest.fixture(scope="module")
def client(cloud: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`clouds.yaml` of a user of its own: that the administrator's old password is refused is the point of it all."""
    known = yaml.safe_load(cloud.clouds_yaml.read_text(encoding="utf-8"))
    (entry,) = known["clouds"].values()
    password = secrets.token_urlsafe(24)
    connection = connect(cloud.clouds_yaml)
    user = connection.identity.find_user(NAME) or connection.identity.create_user(name=NAME, domain_id="default")
    connection.identity.update_user(user, password=password)
    project = connection.identity.find_project(entry["auth"]["project_name"])
    role = connection.identity.find_role("admin")
    connection.identity.assign_project_role_to_user(project, user, role)
    entry["auth"] |= {"username": NAME, "password": password}
    path = tmp_path_factory.mktemp("client") / "clouds.yaml"
    path.write_text(yaml.safe_dump(known), encoding="utf-8")
    yield path
    remove_groups(cloud.clouds_yaml)
    connect(cloud.clouds_yaml).identity.delete_user(user.id)


def versions(cloud: Lab) -> dict[str, int]:
    listed = cloud.mastic("secrets", "list", "--json").succeeded().one("result")["result"]
    return {each["name"]: each["version"] for each in listed if not each["fixed"]}


def certificate(cloud: Lab) -> str:
    """What the load balancer shows."""
    url = urlsplit(str(connect(cloud.clouds_yaml).session.get_endpoint(service_type="identity")))
    return ssl.get_server_certificate((str(url.hostname), url.port or 443))


def accounts() -> set[str]:
    query = "--execute=SELECT User FROM mysql.user"
    words = ["mariadb", "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "--batch", "--skip-column-names", query]
    return set(docker("exec", "mariadb", *words).split())


def under_load(cloud: Lab, client: Path, *words: str) -> Finished:
    """Run a command while requests are sent; none may fail."""
    with Prober(probes_of(client), cloud.state / "ca.pem") as prober:
        finished = cloud.mastic(*words)
    print(f"\n{' '.join(words)}: {finished.seconds:.1f} s at {prober.rate():.1f} requests/s\n{prober.summary()}")
    print("\n".join(f"{noted.at:.1f} {noted.probe}: {noted.problem}" for noted in prober.failures))
    finished.succeeded()
    assert prober.failures == []
    return finished


def test_all_secrets_are_rotated_without_a_failed_request(cloud: Lab, client: Path) -> None:
    before, shown = versions(cloud), certificate(cloud)
    finished = under_load(cloud, client, "secrets", "rotate", "--all", "--yes", "--no-verify")
    assert "rotates `keystone_admin_password`: version" in finished.err
    assert versions(cloud) == {name: version + 1 for name, version in before.items()}
    assert certificate(cloud) != shown
    assert cloud.mastic("plan", "--check", "--json").exit_code == 0
    names = {name.removesuffix("_2") for name in accounts()}
    assert len(accounts()) == len(names), "an account of before is still there"


def test_the_way_back_fails_no_request_either(cloud: Lab, client: Path) -> None:
    before = accounts()
    under_load(cloud, client, "rollback", "--yes")
    assert {name.removesuffix("_2") for name in accounts()} == {name.removesuffix("_2") for name in before}
    assert accounts() != before
    under_load(cloud, client, "apply", "--yes", "--no-verify")
    assert accounts() == before


def test_the_last_generation_knows_which_versions_stand(cloud: Lab) -> None:
    generation = json.loads(sorted((cloud.state / "history/generations").glob("[0-9]*.json"))[-1].read_text("utf-8"))
    assert generation["result"] == "verified"
