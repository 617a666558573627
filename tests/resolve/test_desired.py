"""The small cloud → Desired: specs, files, order, explanations."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from mastic.model.desired import Desired, PlacedJob, PlacedWorkload
from tests.cases.runner import SMALL_CATALOGUE, SMALL_CLOUD, lay_out, resolve_at


@pytest.fixture(scope="module")
def desired() -> Desired:
    return resolve_at(SMALL_CATALOGUE, SMALL_CLOUD)


def workload(desired: Desired, id: str) -> PlacedWorkload:
    found = desired.workload(id)
    assert found is not None
    return found


def job(desired: Desired, id: str) -> PlacedJob:
    return next(each for each in desired.jobs if each.id == id)


def content(holder: PlacedWorkload | PlacedJob, name: str) -> str:
    return next(file.content for file in holder.files if file.name == name)


def test_the_spec_says_what_the_engine_is_asked_for(desired: Desired) -> None:
    assert workload(desired, "web-api@one").spec == {
        "name": "web_api",
        "image": "mastic/web:0123456789abcdef",
        "user": None,
        "environment": {
            "KOLLA_CONFIG_STRATEGY": "COPY_ALWAYS",
            "KOLLA_SERVICE_NAME": "web-api",
            "WEB_MODE": "plain",
        },
        "capabilities": [],
        "devices": [],
        "host_namespaces": [],
        "unmask_proc": False,
        "init": False,
        "mounts": [
            {
                "type": "bind",
                "source": "/etc/mastic/clouds/lab/web_api/",
                "target": "/var/lib/kolla/config_files/",
                "read_only": True,
                "propagation": "private",
                "create": False,
            }
        ],
        "health": {
            "test": ["CMD-SHELL", "healthcheck_curl http://192.0.2.11:18080/healthcheck"],
            "interval": 30,
            "timeout": 30,
            "retries": 3,
            "start_period": 5,
        },
        "stop_seconds": 30,
        "restart": "unless-stopped",
        "command": None,
    }


def test_a_desired_is_plain_data(desired: Desired) -> None:
    assert json.loads(json.dumps([each.spec for each in desired.workloads])) == [e.spec for e in desired.workloads]


def test_a_listening_port_is_told_without_a_connection(desired: Desired) -> None:
    health = workload(desired, "store@one").spec["health"]
    assert health["test"][1] == "cat /proc/net/tcp /proc/net/tcp6 | grep -q ':0CEA 0*:0000 0A '"


def test_config_json_is_kollas(desired: Desired) -> None:
    assert json.loads(content(workload(desired, "web-api@one"), "config.json")) == {
        "command": "start_web --workers 3",
        "config_files": [
            {
                "source": "/var/lib/kolla/config_files/web.conf",
                "dest": "/etc/web/web.conf",
                "owner": "web",
                "perm": "0600",
            }
        ],
    }


def test_a_consumer_sees_its_account(desired: Desired) -> None:
    text = content(workload(desired, "web-api@one"), "web.conf")
    assert "connection = sql://web:@@secret:web_sql_password@@@192.0.2.11:3306/web\n" in text
    assert "title = Web of lab on one\n" in text and "banner" not in text


def test_a_provider_sees_its_consumers(desired: Desired) -> None:
    accounts = job(desired, "store/accounts@one")
    assert content(accounts, "accounts") == "web @@secret:web_sql_password@@ all\n"
    assert {file.name: file.secrets for file in accounts.files}["accounts"] == ("web_sql_password",)


def test_the_load_balancer_sees_every_frontend(desired: Desired) -> None:
    assert "web-api 8080 192.0.2.11:18080 \n" in content(workload(desired, "gate@one"), "gate.conf")
    assert [(each.url, each.internal_only) for each in desired.endpoints] == [("https://192.0.2.11:8080/v1", False)]
    assert workload(desired, "web-api@one").listens == ("192.0.2.11:18080",)


def test_a_job_is_a_container_of_its_workload(desired: Desired) -> None:
    spec = job(desired, "web/db_sync@one").spec
    assert (spec["name"], spec["restart"], spec["command"]) == ("web_api_db_sync", "no", ["kolla_start"])
    assert spec["health"] is None
    assert spec["mounts"][0]["source"] == "/etc/mastic/clouds/lab/web_api_db_sync/"
    assert json.loads(content(job(desired, "web/db_sync@one"), "config.json"))["command"] == "web-db sync"


@pytest.mark.parametrize(
    ("id", "needs"),
    [
        ("store@one", {"store/install@one"}),
        ("gate@one", set()),
        ("web-api@one", {"web/db_sync@one", "store@one", "store/accounts@one", "gate@one"}),
        ("web-worker@two", {"web/db_sync@one", "store@one", "store/accounts@one"}),
    ],
)
def test_what_a_workload_waits_for(desired: Desired, id: str, needs: set[str]) -> None:
    assert set(workload(desired, id).needs) == needs


@pytest.mark.parametrize(
    ("id", "needs"),
    [
        ("store/install@one", set()),
        ("store/accounts@one", {"store@one"}),
        ("web/db_sync@one", {"store@one", "store/accounts@one"}),
        ("web/seed@one", {"web-api@one", "store@one", "store/accounts@one"}),
    ],
)
def test_what_a_job_waits_for(desired: Desired, id: str, needs: set[str]) -> None:
    assert set(job(desired, id).needs) == needs


def test_a_jobs_effect_lives_in_volumes_of_all_it_stands_on(desired: Desired) -> None:
    assert job(desired, "web/db_sync@one").data == ("store",)
    assert [(each.id, each.keep) for each in desired.volumes] == [("store@one", True)]


def test_secrets_are_named_and_have_versions(desired: Desired) -> None:
    assert list(desired.secrets) == ["ca_certificate", "gate_certificate", "web_cookie", "web_sql_password"]
    assert desired.secrets["gate_certificate"].names == ("192.0.2.11", "one")
    assert set(desired.secret_versions.values()) == {1}


def test_a_setting_is_explained_by_its_layers(desired: Desired) -> None:
    workers = next(each for each in desired.explained if each.setting == "workers")
    assert (workers.host, workers.value) == (None, 3)
    assert [(layer, Path(place.where).name, value) for layer, place, value in workers.layers if place] == [
        ("default", "service.yml", 2),
        ("cloud.yml", "cloud.yml", 3),
    ]
    titles = [(each.host, each.value) for each in desired.explained if each.setting == "title"]
    assert titles == [("one", "Web of lab on one"), ("two", "Web of lab on two")]


def test_a_size_is_a_number_of_bytes(desired: Desired) -> None:
    assert "cache = 67108864\n" in content(workload(desired, "store@one"), "store.conf")


def test_one_setting_changes_one_file(desired: Desired, tmp_path: Path) -> None:
    catalogue, cloud = lay_out({"change": {"cloud.yml": {"workers: 3": "workers: 3, banner: hello"}}}, tmp_path)
    other = resolve_at(catalogue, cloud)
    before = {(holder.id, file.name): file.content for holder in desired.workloads for file in holder.files}
    after = {(holder.id, file.name): file.content for holder in other.workloads for file in holder.files}
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {
        (f"{id}@{host}", "web.conf") for id, host in (("web-api", "one"), ("web-worker", "one"), ("web-worker", "two"))
    }
    assert [asdict(each)["spec"] for each in desired.workloads] == [asdict(each)["spec"] for each in other.workloads]


def test_checks_have_whole_urls(desired: Desired) -> None:
    assert [(each.name, each.http) for each in desired.checks] == [("front", "https://192.0.2.11:8080/v1/")]
