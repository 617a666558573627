"""A cloud on three machines: made, changed, drifted, repaired, rolled back, taken over and removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mastic.drifting import look
from mastic.errors import HostError
from mastic.model.goal import Goal
from mastic.report.plain import PlainReport
from mastic.returning import recover, rollback
from tests.contract.executor.world import There
from tests.hosts import host, lab
from tests.hosts.cloud import SmallCloud, make
from tests.hosts.lab import Lab
from tests.hosts.root import engine_root

pytestmark = pytest.mark.engine
NAME = f"small{os.getpid()}"
HOSTS = ("ctl1", "ctl2", "ctl3")


@pytest.fixture(scope="module")
def three() -> Iterator[Lab]:
    with lab.running(lab.Wanted({name: engine_root("trixie") for name in HOSTS})) as made:
        yield made


@pytest.fixture
def cloud(three: Lab, tmp_path: Path) -> Iterator[SmallCloud]:
    cloud = make(NAME, tmp_path, three)
    yield cloud
    cloud.destroy()
    for each in three.hosts:
        assert There(each).docker("ps", "--all", "--quiet") == ""
        assert There(each).docker("volume", "ls", "--quiet") == ""
        assert each.run("ls", f"/etc/mastic/clouds/{NAME}", f"/var/lib/mastic-agent/{NAME}").returncode == 2


def test_a_cloud_on_three_hosts(cloud: SmallCloud) -> None:
    cloud.apply()
    before = cloud.started()
    assert {name.rpartition("@")[2] for name in before} == set(HOSTS)
    assert len(before) == 2 * len(HOSTS)
    assert not cloud.plan().steps
    cloud.apply()
    assert cloud.started() == before, "a second apply restarts nothing"
    changed_and_rolled_back(cloud)
    drift_on_one_host(cloud)
    a_dead_host_is_told(cloud)
    another_controller_takes_over(cloud)


def changed_and_rolled_back(cloud: SmallCloud) -> None:
    cloud.define("two")
    run = cloud.apply().run
    assert {step.rpartition("@")[2] for step in run.done if step.startswith("restart:")} == set(HOSTS)
    head = rollback(cloud.where, None, Goal(), PlainReport(), lambda wanted: True)
    assert head and head.result == "verified"
    cloud.define("one")
    assert not cloud.plan().steps


def drift_on_one_host(cloud: SmallCloud) -> None:
    before = cloud.started()
    There(cloud.lab["ctl2"]).docker("kill", f"{NAME}_b")
    _, drifts = look(cloud.where)
    assert {drift.host for drift in drifts} == {"ctl2"}
    run = cloud.apply().run
    assert {step.rpartition("@")[2] for step in run.done} == {"ctl2"}
    after = cloud.started()
    assert {name for name in after if after[name] != before[name]} == {f"{NAME}_b@ctl2"}
    assert look(cloud.where)[1] == ()


def a_dead_host_is_told(cloud: SmallCloud) -> None:
    """Before anything is changed; and it is whole again when it is back."""
    host.kill(cloud.lab["ctl3"])
    cloud.define("three")
    before = cloud.started_on("ctl1", "ctl2")
    with pytest.raises(HostError, match="host `ctl3` cannot be reached") as caught:
        cloud.apply()
    assert "cloud.yml:" in str(caught.value)
    assert cloud.started_on("ctl1", "ctl2") == before
    cloud.define("one")
    lab.boot(cloud.lab, ["ctl3"])
    cloud.apply()
    assert not cloud.plan().steps


def another_controller_takes_over(cloud: SmallCloud) -> None:
    """With the definition, the vault's password, and what a host keeps."""
    shutil.rmtree(cloud.folder / "state")
    _, latest = recover(cloud.where, "ctl2", None)
    assert latest and latest.head.stands
    assert not cloud.plan().steps
    cloud.define("four")
    assert cloud.apply().generation == latest.head.number + 1
