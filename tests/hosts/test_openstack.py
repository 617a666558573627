"""From nothing, several hosts, one command: machines on each compute host that reach each other and are reached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from openstack.connection import Connection

from mastic.verify.api import connect
from mastic.verify.boot import Guest, GuestRequest, boot_guest
from mastic.verify.leftovers import remove_guests
from tests.e2e.guests import Shell
from tests.hosts.openstack import Cloud, Wanted, many_hosts

pytestmark = pytest.mark.cloud
PREFIX = "mastic-many-"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One control host and two compute hosts, after one `mastic apply` that verified itself."""
    with many_hosts(Wanted(control=1, compute=2), tmp_path_factory.mktemp("many")) as found:
        found.mastic("apply", "--yes").succeeded()
        yield found


@pytest.fixture(scope="module")
def connection(cloud: Cloud) -> Connection:
    return connect(cloud.clouds_yaml)


@pytest.fixture(scope="module")
def guests(connection: Connection) -> Iterator[list[Guest]]:
    """One on each compute host; each has answered a ping on its floating address."""
    names = ("cmp1", "cmp2")
    yield [boot_guest(connection, GuestRequest(name=f"{PREFIX}{host}", host=host), print) for host in names]
    remove_guests(connection, PREFIX)


def fixed(connection: Connection, guest: Guest) -> str:
    """Its address in the project's own network."""
    (address,) = connection.network.get_port(guest.port).fixed_ips
    return str(address["ip_address"])


def test_each_runs_where_it_was_asked_to(connection: Connection, guests: list[Guest]) -> None:
    assert [connection.compute.get_server(guest.id).compute_host for guest in guests] == ["cmp1", "cmp2"]


def test_they_reach_each_other_through_the_tunnel(connection: Connection, guests: list[Guest], tmp_path: Path) -> None:
    for here, there in (guests, guests[::-1]):
        key = tmp_path / here.name
        key.write_text(here.key.private, encoding="utf-8")
        key.chmod(0o600)
        assert "3 packets received" in Shell(here, key).read(f"ping -c 3 {fixed(connection, there)}")


def test_a_second_apply_changes_and_restarts_nothing(cloud: Cloud) -> None:
    before = cloud.started()
    assert len(before) > 25
    assert "nothing to do" in cloud.mastic("plan").succeeded().out
    cloud.mastic("apply", "--yes", "--no-verify").succeeded()
    assert cloud.started() == before
