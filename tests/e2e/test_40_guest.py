"""Beyond the ping: a guest is really usable, survives the replacement of what runs it, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from mastic.verify.api import connect
from mastic.verify.boot import GuestRequest, boot_guest, console_lines
from mastic.verify.leftovers import gone, remove_guests
from mastic.verify.wait import wait_until
from tests.e2e.engine import containers, docker, restarted, start_times
from tests.e2e.guests import Shell, Traces, key_file, pinging, traces
from tests.e2e.lab import Lab

pytestmark = pytest.mark.cloud

NAME = "mastic-e2e-guest"
USER_DATA = "#!/bin/sh\necho reached > /run/user-data-ran\n"
LIVES_THROUGH = ("nova-libvirt", "nova-compute", "openvswitch-vswitchd", "ovn-controller")
"""Workloads that a guest must survive the replacement of."""


@dataclass(frozen=True)
class Running:
    """A guest, its cloud, and what the host looked like before it."""

    cloud: Any
    shell: Shell
    before: Traces

    @property
    def id(self) -> str:
        return self.shell.guest.id


@pytest.fixture(scope="module")
def running(cloud: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A guest with user-data; scenarios run on it in order, the last one deletes it."""
    connection = connect(cloud.clouds_yaml)
    remove_guests(connection, "mastic-e2e-")
    before = traces()
    try:
        guest = boot_guest(connection, GuestRequest(name=NAME, user_data=USER_DATA), print)
        yield Running(connection, Shell(guest, key_file(guest, tmp_path_factory.mktemp("key"))), before)
    finally:
        remove_guests(connection, "mastic-e2e-")


def wait_for_status(running: Running, status: str, seconds: float = 90) -> None:
    """Wait until nova says the status and has no task under way."""

    def look() -> bool | None:
        server = running.cloud.compute.get_server(running.id)
        return True if (server.status, server.task_state) == (status, None) else None

    wait_until(f"guest to be {status}", look, seconds)


def test_injected_key_logs_in_over_the_floating_ip(running: Running) -> None:
    assert running.shell.read("echo $((6 * 7))") == "42"


def test_another_key_does_not_log_in(running: Running, tmp_path_factory: pytest.TempPathFactory) -> None:
    running.shell.read("true")
    stranger = Shell(running.shell.guest, tmp_path_factory.mktemp("none") / "no-such-key")
    assert "denied" in stranger.ssh("true").err.lower()


def test_metadata_reached_the_guest(running: Running) -> None:
    assert running.shell.read("hostname") == NAME
    metadata = running.shell.read("timeout 20 wget -q -O - http://169.254.169.254/openstack/latest/meta_data.json")
    assert running.id in metadata


def test_user_data_ran_in_the_guest(running: Running) -> None:
    assert running.shell.read("cat /run/user-data-ran") == "reached"


def test_console_log_is_not_empty(running: Running) -> None:
    assert any("GUEST ready" in line for line in console_lines(running.cloud, running.id))


@pytest.mark.parametrize("workload", LIVES_THROUGH)
def test_guest_survives_replacement(running: Running, cloud: Lab, workload: str) -> None:
    boot_id, before = running.shell.boot_id(), start_times(cloud.name)
    name = next(
        name
        for name, container in containers(cloud.name).items()
        if container["Config"]["Labels"].get("mastic.workload") == workload
    )
    with pinging(running.shell.guest.address) as pings:
        docker("rm", "--force", name)
        cloud.mastic("apply", "--yes", "--no-verify").succeeded()
        running.shell.answers()
    print(f"{workload}: {pings.answered} pings answered, {pings.lost} lost, longest gap {pings.longest_gap:.1f} s")
    assert restarted(before, start_times(cloud.name)) == {name}
    assert running.shell.boot_id() == boot_id


def test_soft_reboot_boots_the_guest_again(running: Running) -> None:
    before = running.shell.boot_id()
    running.cloud.compute.reboot_server(running.id, "SOFT")
    wait_for_status(running, "ACTIVE")

    def look() -> bool | None:
        finished = running.shell.ssh("cat /proc/sys/kernel/random/boot_id")
        return True if finished.exit_code == 0 and finished.out.strip() != before else None

    assert wait_until("the guest to answer after its reboot", look, 120)


def test_stopped_guest_is_silent_and_starts_again(running: Running) -> None:
    running.cloud.compute.stop_server(running.id)
    wait_for_status(running, "SHUTOFF")
    assert not traces().processes - running.before.processes
    running.cloud.compute.start_server(running.id)
    wait_for_status(running, "ACTIVE")
    assert running.shell.answers()
    assert running.shell.read("hostname") == NAME


def test_snapshot_becomes_an_image(running: Running) -> None:
    snapshot = running.cloud.compute.create_server_image(running.id, "mastic-e2e-snapshot")

    def look() -> Any:
        image = running.cloud.image.get_image(snapshot.id)
        return image if image.status == "active" else None

    image = wait_until("the snapshot to be active", look, 120)
    assert image.size > 1_000_000
    wait_for_status(running, "ACTIVE")
    running.cloud.image.delete_image(image)


def test_deleted_guest_leaves_nothing(running: Running) -> None:
    assert traces() != running.before
    remove_guests(running.cloud, "mastic-e2e-")
    assert gone(running.cloud, running.id)
    assert not [port for port in running.cloud.network.ports() if port.name.startswith(NAME)]
    wait_until("taps, namespaces and processes to go", lambda: True if traces() == running.before else None, 60)
