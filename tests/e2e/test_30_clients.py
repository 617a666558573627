"""The clouds.yaml that mastic wrote is all that OpenStack's own client needs."""

from __future__ import annotations

import json
import ssl
import sys
from pathlib import Path

import pytest

from mastic.verify.declared import ask
from tests.e2e.lab import Finished, Lab, run

pytestmark = pytest.mark.cloud


def openstack(cloud: Lab, *words: str) -> Finished:
    """Run the `openstack` command as a user who was given clouds.yaml, and nothing else."""
    client = str(Path(sys.executable).parent / "openstack")
    return run(
        [client, "--os-cloud", "mastic", *words, "-f", "json"],
        environment={"OS_CLIENT_CONFIG_FILE": str(cloud.clouds_yaml)},
    )


def test_token_is_issued(cloud: Lab) -> None:
    assert json.loads(openstack(cloud, "token", "issue").succeeded().out)["id"]


@pytest.mark.parametrize(
    ("words", "column", "expected"),
    [
        ("image list", "Name", "mastic-guest"),
        ("flavor list", "Name", "m1.tiny"),
        ("network list", "Name", "public"),
        ("router list", "Status", "ACTIVE"),
        ("compute service list", "State", "up"),
        ("hypervisor list", "State", "up"),
        ("catalog list", "Type", "placement"),
    ],
)
def test_user_finds_what_is_needed_to_start(cloud: Lab, words: str, column: str, expected: str) -> None:
    rows = json.loads(openstack(cloud, *words.split()).succeeded().out)
    assert expected in [row[column] for row in rows]


def test_services_and_agents_are_all_up(cloud: Lab) -> None:
    services = json.loads(openstack(cloud, "compute", "service", "list").succeeded().out)
    assert {row["Binary"] for row in services} == {"nova-conductor", "nova-scheduler", "nova-compute"}
    assert {row["State"] for row in services} == {"up"}
    agents = json.loads(openstack(cloud, "network", "agent", "list").succeeded().out)
    assert agents
    assert all(row["Alive"] for row in agents)


def test_apis_are_encrypted_and_need_the_clouds_own_authority(cloud: Lab) -> None:
    catalog = json.loads(openstack(cloud, "endpoint", "list").succeeded().out)
    assert catalog
    assert {row["URL"].split(":")[0] for row in catalog} == {"https"}
    answer = ask(catalog[0]["URL"], ssl.create_default_context())
    assert "certificate verify failed" in answer


def test_credentials_are_private(cloud: Lab) -> None:
    assert cloud.clouds_yaml.stat().st_mode & 0o777 == 0o600
