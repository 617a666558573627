"""A step that fails says which container, its last words and how to go on; after repair, apply goes on from there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mastic.cli.options import shipped_catalogue
from mastic.verify.wait import wait_until
from tests.e2e.engine import containers, restarted, start_times
from tests.e2e.lab import Lab

pytestmark = pytest.mark.cloud

LAST_WORDS = "cannot open /var/lib/beacon: the disk is on fire"
BROKEN = f"sh -c 'echo {LAST_WORDS} >&2; exit 7'"
REPAIRED = "sh -c 'touch /tmp/lit; exec sleep infinity'"


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """The shipped catalogue and one more service, whose process ends at once."""
    folder = tmp_path / "catalogue"
    shutil.copytree(shipped_catalogue(), folder)
    write_service(folder, BROKEN)
    return folder


def write_service(catalogue: Path, command: str) -> None:
    """A service with two workloads: the second stands on the first."""
    workload = {
        "image": "beacon",
        "place": {"group": "control"},
        "health": {"command": "test -e /tmp/lit", "seconds": 20},
        "stop_seconds": 1,
    }
    service = {
        "service": "beacon",
        "summary": "Does nothing, for ever",
        "kind": "infrastructure",
        "images": {"beacon": {"from": "base"}},
        "workloads": {
            "beacon-lamp": {**workload, "command": REPAIRED},
            "beacon-keeper": {**workload, "command": command, "after": ["beacon-lamp"]},
        },
    }
    (catalogue / "beacon").mkdir(exist_ok=True)
    (catalogue / "beacon/service.yml").write_text(yaml.safe_dump(service, sort_keys=False), encoding="utf-8")


@pytest.fixture
def with_beacon(definition: Lab, catalogue: Path) -> Iterator[Lab]:
    """The running cloud, whose definition asks for the service too; it is gone afterwards."""
    original = definition.definition()
    definition.write({**original, "services": [*original["services"], "beacon"]})
    yield definition
    definition.write(original)
    definition.mastic("apply", "--yes", "--no-verify", catalogue=catalogue).succeeded()
    assert not [name for name in containers(definition.name) if name.startswith("beacon")]


def ended(cloud: Lab, catalogue: Path) -> tuple[dict[str, str], dict[str, str]] | None:
    """What status says of the two; None while the engine just tries the second again: it runs then, for a moment."""
    status = cloud.mastic("status", "beacon", "--json", catalogue=catalogue).succeeded().one("result")["result"]
    rows = {row["workload"]: row for row in status}
    is_over = rows["beacon-keeper"]["state"] != "running"
    return (rows["beacon-lamp"], rows["beacon-keeper"]) if is_over else None


def test_failed_step_is_explained_and_apply_resumes(with_beacon: Lab, catalogue: Path) -> None:
    before = start_times(with_beacon.name)
    failed = with_beacon.mastic("apply", "--yes", "--no-verify", catalogue=catalogue)
    assert failed.exit_code == 3
    assert "start:beacon-keeper@laptop" in failed.err
    assert LAST_WORDS in failed.err
    assert "`mastic logs beacon-keeper`" in failed.err
    assert "`mastic apply`" in failed.err

    lamp, keeper = wait_until("a look between two attempts", lambda: ended(with_beacon, catalogue), 30)
    assert lamp["state"] == "running"
    assert keeper["why_not"]
    assert LAST_WORDS in with_beacon.mastic("logs", "beacon-keeper", catalogue=catalogue).succeeded().out

    write_service(catalogue, REPAIRED)
    lit = start_times(with_beacon.name)["beacon_lamp"]
    resumed = with_beacon.mastic("apply", "--yes", "--no-verify", "--json", catalogue=catalogue).succeeded()
    resources = {event["id"].partition(":")[2] for event in resumed.events if event["kind"] == "step"}
    assert resources <= {"beacon-keeper@laptop"}
    after = start_times(with_beacon.name)
    assert after["beacon_lamp"] == lit
    assert restarted(before, after) == {"beacon_lamp", "beacon_keeper"}
