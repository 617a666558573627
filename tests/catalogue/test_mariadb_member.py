"""Who founds a database cluster: the member whose data goes furthest, known and never guessed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType
from typing import Any

import pytest

from mastic.verify.wait import wait_until
from tests.build.standing import standing
from tests.catalogue.clusters import CATALOGUE, docker
from tests.catalogue.galera import ADDRESSES, SUBNET, Member, three_servers, wait_for_whole

ORDER = ["c1", "c2", "c3"]


@pytest.fixture(scope="module")
def program() -> ModuleType:
    loader = SourceFileLoader("mariadb_member", str(CATALOGUE / "mariadb/image/mariadb_member"))
    spec = spec_from_loader("mariadb_member", loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules["mariadb_member"] = module  # its dataclasses ask for their module
    loader.exec_module(module)
    return module


def evidence(program: ModuleType, *said: tuple[Any, ...]) -> list[Any]:
    return [program.Evidence(*each) for each in said]


EMPTY, INSTALLED, MEMBER = 0, 1, 2
FOUNDERS: dict[str, tuple[list[tuple[Any, ...]], str]] = {
    "the furthest": ([("c1", MEMBER, "a", 7), ("c2", MEMBER, "a", 9), ("c3", MEMBER, "a", 8)], "c2"),
    "of equal ones the first": ([("c3", MEMBER, "a", 7), ("c2", MEMBER, "a", 7), ("c1", MEMBER, "a", 6)], "c2"),
    "of equal ones the last to leave": (
        [("c1", MEMBER, "a", 7), ("c2", MEMBER, "a", 7), ("c3", MEMBER, "a", 7, True)],
        "c3",
    ),
    "a lost disk never": ([("c1", EMPTY), ("c2", MEMBER, "a", 0), ("c3", EMPTY)], "c2"),
    "a fresh database never over a cluster's": ([("c1", INSTALLED), ("c2", EMPTY), ("c3", MEMBER, "a", 1)], "c3"),
    "at first the one that was installed": ([("c1", EMPTY), ("c2", INSTALLED), ("c3", EMPTY)], "c2"),
}


@pytest.mark.parametrize("case", FOUNDERS)
def test_founder(program: ModuleType, case: str) -> None:
    said, expected = FOUNDERS[case]
    assert program.founder(evidence(program, *said), ORDER) == expected


WAITS: dict[str, tuple[list[tuple[Any, ...]], str]] = {
    "one does not answer": ([("c1", MEMBER, "a", 7), ("c2", MEMBER, "a", 9)], "waits for c3"),
    "two clusters": ([("c1", MEMBER, "a", 7), ("c2", MEMBER, "b", 9), ("c3", EMPTY)], "different clusters"),
    "nothing anywhere": ([("c1", EMPTY), ("c2", EMPTY), ("c3", EMPTY)], "no member has a database"),
}


@pytest.mark.parametrize("case", WAITS)
def test_nobody_founds_while_it_cannot_be_known(program: ModuleType, case: str) -> None:
    said, told = WAITS[case]
    with pytest.raises(program.Waiting, match=told):
        program.founder(evidence(program, *said), ORDER)


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Member]]:
    """Three servers that have become one cluster, with a table."""
    (image,) = standing("mariadb")
    folder = tmp_path_factory.mktemp("members")
    workloads = three_servers(folder)
    network = f"galera{os.getpid()}"
    docker("network", "create", f"--subnet={SUBNET}", network)
    found = [Member(name, f"{network}-{name}", network) for name in ADDRESSES]
    try:
        for member in found:
            member.make(image, folder, workloads[member.name], installed=member.name == "c1")
        for member in found:
            member.start()
        wait_for_whole(found)
        found[0].sql("CREATE DATABASE proof; CREATE TABLE proof.acknowledged (number INT PRIMARY KEY)")
        yield found
    finally:
        for member in found:
            member.remove()
        docker("network", "rm", network)


def note(member: Member, number: int) -> None:
    """A write that is acknowledged."""
    member.sql(f"INSERT INTO proof.acknowledged VALUES ({number})")


def noted(member: Member) -> list[int]:
    return [int(each) for each in member.sql("SET wsrep_sync_wait=1; SELECT number FROM proof.acknowledged").split()]


@pytest.mark.engine
def test_a_killed_member_costs_nothing_and_comes_back(members: list[Member]) -> None:
    one, two, _ = members
    note(one, 1)
    one.kill()
    wait_until("two to serve without one", lambda: True if two.size() == 2 else None, 60)
    note(two, 2)
    one.start()
    wait_for_whole(members)
    assert [noted(each) for each in members] == [[1, 2]] * 3


@pytest.mark.engine
def test_after_all_lost_their_power_nobody_serves_until_all_are_heard(members: list[Member]) -> None:
    one, two, three = members
    note(two, 3)
    for member in members:
        member.kill()
    three.start()
    two.start()
    wait_until(
        "both to say whom they wait for",
        lambda: all("waits for c1" in each.said_last() for each in (two, three)) or None,
        60,
    )
    assert (two.size(), three.size()) == (0, 0)
    one.start()
    wait_for_whole(members)
    assert [noted(each) for each in members] == [[1, 2, 3]] * 3


@pytest.mark.engine
def test_the_last_to_leave_needs_nobody(members: list[Member]) -> None:
    one, two, three = members
    one.stop()
    note(three, 4)
    two.stop()
    note(three, 5)
    three.stop()
    one.start()
    wait_until("the first to leave to wait", lambda: True if "waits for c2, c3" in one.said_last() else None, 60)
    three.start()
    wait_until("the last to leave to serve", lambda: True if three.size() else None, 60)
    two.start()
    wait_for_whole(members)
    assert [noted(each) for each in members] == [[1, 2, 3, 4, 5]] * 3


@pytest.mark.engine
def test_a_minority_takes_no_writes(members: list[Member]) -> None:
    one, two, _ = members
    one.cut()
    wait_until("the majority to go on", lambda: True if two.size() == 2 else None, 60)
    note(two, 6)
    wait_until("the minority to notice", lambda: True if one.size() == 0 else None, 60)
    assert one.try_sql("INSERT INTO proof.acknowledged VALUES (7)") is None
    one.heal()
    wait_for_whole(members)
    assert [noted(each) for each in members] == [[1, 2, 3, 4, 5, 6]] * 3


@pytest.mark.engine
def test_a_lost_disk_is_filled_from_the_others(members: list[Member]) -> None:
    one, two, _ = members
    one.kill()
    wait_until("two to serve without one", lambda: True if two.size() == 2 else None, 60)
    docker(
        "run",
        "--rm",
        "--network=none",
        f"--volumes-from={one.container}",
        "--entrypoint=sh",
        standing("mariadb")[0],
        "-c",
        "find /var/lib/mysql -mindepth 1 -delete",
    )
    one.start()
    wait_for_whole(members)
    assert noted(one) == [1, 2, 3, 4, 5, 6]
