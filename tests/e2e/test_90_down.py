"""`make down VOLUMES=yes`, while a guest runs, leaves nothing of the cloud on the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mastic.verify.api import connect
from mastic.verify.boot import GuestRequest, boot_guest
from tests.e2e.engine import docker
from tests.e2e.guests import emulators, traces
from tests.e2e.lab import REPOSITORY, Lab, run, shared_mounts

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(bool(os.environ.get("E2E_KEEP")), reason="E2E_KEEP is set: the cloud stays"),
]


@pytest.fixture(scope="module")
def destroyed(cloud: Lab) -> Lab:
    """The cloud is taken down while a guest runs on it."""
    boot_guest(connect(cloud.clouds_yaml), GuestRequest(name="mastic-e2e-last"), print)
    assert traces().taps
    run([str(REPOSITORY / "tools/down"), str(cloud.cloud)], 600, {"VOLUMES": "yes"}).succeeded()
    return cloud


def test_no_container_and_no_volume_stays(destroyed: Lab) -> None:
    mark = f"label=mastic.cloud={destroyed.name}"
    assert docker("ps", "--all", "--quiet", "--filter", mark) == ""
    assert docker("volume", "ls", "--quiet", "--filter", mark) == ""


def test_no_guest_process_tap_or_namespace_stays(destroyed: Lab) -> None:
    assert list(emulators()) == []
    left = traces()
    assert (left.taps, left.namespaces) == (frozenset(), frozenset())


def test_no_bridge_stays(destroyed: Lab) -> None:
    links = run(["ip", "-oneline", "link"]).succeeded().out
    names = {line.split()[1].rstrip(":").split("@")[0] for line in links.splitlines()}
    assert {name for name in names if name.startswith(("br-", "ovs-", "genev", "tap"))} == set()


def test_no_firewall_rule_stays(destroyed: Lab) -> None:
    assert "mastic" not in run(["iptables-save"]).out


def test_no_mount_stays(destroyed: Lab, mounts_before: frozenset[str]) -> None:
    assert shared_mounts() - mounts_before == frozenset()


def test_no_configuration_or_record_stays(destroyed: Lab) -> None:
    left = [
        path
        for folder in (Path("/etc/mastic/clouds"), Path("/var/lib/mastic-agent"), destroyed.state.parent)
        for path in folder.glob(destroyed.name)
    ]
    assert left == []


def test_nothing_is_left_to_destroy(destroyed: Lab) -> None:
    again = destroyed.mastic("destroy", "--yes", "--allow", "data-loss", "--json").succeeded()
    assert again.one("plan")["steps"] == []
