"""OVN's databases on three control hosts: killed, cut off, without disk, and a single one that becomes several."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.build.standing import standing
from tests.catalogue.control_hosts import NAMES, Answer, ControlHosts, control_hosts, several
from tests.hosts.shell import until

pytestmark = pytest.mark.engine
DATABASE = "ovn-nb-db"
TWIN_SECONDS = 180
"""A member that lost its disk is let go three rounds after ten seconds of silence, by a leader that may be new itself:
40 s on two idle cores."""


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlHosts]:
    """The first host had a cloud of its own before, with one switch; the others are new."""
    standing("ovn")
    with control_hosts(tmp_path_factory.mktemp("databases")) as hosts:
        hosts.start(DATABASE, "ctl1", several({"ctl1": hosts.addresses["ctl1"]}))
        until("the single one", lambda: control(hosts, "ctl1", "ls-add", "from-before").code == 0)
        hosts.execute(DATABASE, "ctl1", "bash", "-c", "kill $(pidof ovsdb-server)")
        hosts.lose_disk(DATABASE, "ctl1", "ovn_run")
        for host in reversed(NAMES):
            hosts.start(DATABASE, host)
        whole(hosts)
        yield hosts


def control(databases: ControlHosts, host: str, *words: str) -> Answer:
    """`ovn-nbctl` with what every client is told: all addresses, of which the leader is asked."""
    remotes = ",".join(f"tcp:{address}:6641" for address in databases.addresses.values())
    return databases.execute(DATABASE, host, "ovn-nbctl", "--timeout=10", f"--db={remotes}", *words)


def switches(databases: ControlHosts, host: str) -> set[str]:
    """As this host's own server has them."""
    here = "--db=unix:/run/ovn/ovnnb_db.sock"
    answer = databases.execute(
        DATABASE,
        host,
        "ovn-nbctl",
        "--timeout=5",
        "--no-leader-only",
        here,
        "--bare",
        "--columns=name",
        "find",
        "Logical_Switch",
    )
    return set(answer.text.split()) if answer.code == 0 else set()


def members(databases: ControlHosts, host: str) -> list[str]:
    """Addresses of the members, with those that are there twice."""
    lines = databases.execute(DATABASE, host, "ovn_members", "nb").text.splitlines()
    return sorted(line.split()[1].split(":")[1] for line in lines if len(line.split()) == 3)


def healthy(databases: ControlHosts, host: str) -> bool:
    health = databases.workload(DATABASE, host).health
    assert health is not None and health.command is not None
    return databases.execute(DATABASE, host, *health.command.split()).code == 0


def whole(databases: ControlHosts, *hosts: str) -> None:
    there = hosts or NAMES
    wanted = sorted(databases.addresses[host] for host in there)
    for host in there:
        until(f"{host} is one of {wanted}", lambda host=host: members(databases, host) == wanted, TWIN_SECONDS)  # type: ignore[misc]
        until(f"{host} is healthy", lambda host=host: healthy(databases, host))  # type: ignore[misc]


def leader(databases: ControlHosts) -> str:
    status = ("ovn-appctl", "-t", "/run/ovn/ovnnb_db.ctl", "cluster/status", "OVN_Northbound")
    return next(host for host in NAMES if "Role: leader" in databases.execute(DATABASE, host, *status).text)


def add(databases: ControlHosts, host: str, name: str) -> None:
    answer = control(databases, host, "ls-add", name)
    assert answer.code == 0, answer.text


def test_what_a_single_host_had_is_there_on_all(databases: ControlHosts) -> None:
    for host in NAMES:
        until(f"the switch on {host}", lambda host=host: switches(databases, host) == {"from-before"})  # type: ignore[misc]


def test_a_killed_leader_is_followed_by_another_and_comes_back(databases: ControlHosts) -> None:
    first = leader(databases)
    other = next(host for host in NAMES if host != first)
    databases.power_off(DATABASE, first)
    until(
        "a new leader takes a write", lambda: control(databases, other, "--may-exist", "ls-add", "killed").code == 0, 20
    )
    databases.power_on(DATABASE, first)
    whole(databases)
    until("it has the write", lambda: "killed" in switches(databases, first))


def test_all_killed_come_back_in_any_order_also_without_one(databases: ControlHosts) -> None:
    databases.power_off(DATABASE, *NAMES)
    databases.power_on(DATABASE, "ctl3", "ctl2")
    until("two of three serve", lambda: control(databases, "ctl2", "--may-exist", "ls-add", "two").code == 0)
    databases.power_on(DATABASE, "ctl1")
    whole(databases)
    assert switches(databases, "ctl1") == {"from-before", "killed", "two"}


def test_one_that_is_cut_off_takes_no_write_and_follows_again(databases: ControlHosts) -> None:
    cut = leader(databases)
    other = next(host for host in NAMES if host != cut)
    databases.cut(DATABASE, cut)
    until("the others go on", lambda: control(databases, other, "--may-exist", "ls-add", "majority").code == 0, 20)
    here = "--db=unix:/run/ovn/ovnnb_db.sock"
    assert databases.execute(DATABASE, cut, "ovn-nbctl", "--timeout=5", here, "ls-add", "stray").code != 0
    databases.mend(DATABASE, cut)
    whole(databases)
    until("it has the write", lambda: "majority" in switches(databases, cut))
    assert "stray" not in switches(databases, cut)


@pytest.mark.parametrize("host", ["ctl1", "ctl2"])
def test_one_without_its_disk_joins_anew_and_is_there_once(databases: ControlHosts, host: str) -> None:
    before = switches(databases, "ctl3")
    databases.lose_disk(DATABASE, host, "ovn_nb_db")
    databases.start(DATABASE, host)
    whole(databases)
    until("all of it", lambda: switches(databases, host) == before)


def test_a_first_host_that_cannot_ask_the_others_begins_nothing(databases: ControlHosts) -> None:
    databases.power_off(DATABASE, "ctl2", "ctl3")
    databases.lose_disk(DATABASE, "ctl1", "ovn_nb_db")
    databases.start(DATABASE, "ctl1")
    until("it waits", lambda: "waits for a word" in databases.log(DATABASE, "ctl1"))
    assert databases.execute(DATABASE, "ctl1", "test", "-e", "/var/lib/ovn/ovnnb_db.db").code != 0
    databases.power_on(DATABASE, "ctl2", "ctl3")
    whole(databases)


def test_a_host_that_left_is_let_go(databases: ControlHosts) -> None:
    left = several({**databases.addresses, "ctl3": "192.0.2.13"}, "openvswitch", "ovn")
    for host in NAMES:
        databases.start("ovn-sb-db", host, beside=DATABASE)
    until(
        "the other cluster",
        lambda: databases.execute("ovn-sb-db", "ctl1", "ovn_members", "sb").text.count(":6644") == 3,
    )
    job = next(each for each in left.jobs if each.id == "ovn/members@ctl1")
    databases.power_off(DATABASE, "ctl3")
    databases.power_off("ovn-sb-db", "ctl3")
    answer = databases.job("ovn/members", "ctl1", job.run, left)
    assert f"tcp:{databases.addresses['ctl3']}:6643 left OVN_Northbound" in answer.text
    assert f"tcp:{databases.addresses['ctl3']}:6644 left OVN_Southbound" in answer.text
    assert job.check is not None and databases.job("ovn/members", "ctl1", job.check, left).code == 0


def test_a_cluster_is_not_made_a_single_database_by_guess(databases: ControlHosts) -> None:
    alone = several({"ctl2": databases.addresses["ctl2"]})
    databases.remove(DATABASE, "ctl2")
    databases.start(DATABASE, "ctl2", alone)
    until("it says why", lambda: "belongs to a cluster of several control hosts" in databases.log(DATABASE, "ctl2"))
