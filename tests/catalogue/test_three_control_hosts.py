"""The example on three control hosts → what its services are told of each other; on one host nothing of it."""

from __future__ import annotations

import pytest

from mastic.model.desired import Desired, PlacedJob, PlacedWorkload
from tests.catalogue.control_hosts import several

ADDRESSES = {"ctl1": "192.0.2.11", "ctl2": "192.0.2.12", "ctl3": "192.0.2.13"}


@pytest.fixture(scope="module")
def three() -> Desired:
    return several(ADDRESSES)


@pytest.fixture(scope="module")
def one() -> Desired:
    return several({"ctl1": ADDRESSES["ctl1"]})


def part(desired: Desired, id: str) -> PlacedWorkload | PlacedJob:
    parts: list[PlacedWorkload | PlacedJob] = [*desired.workloads, *desired.jobs]
    return next(each for each in parts if each.id == id)


def text(desired: Desired, id: str, name: str) -> str:
    return next(file.content for file in part(desired, id).files if file.name == name)


def names(desired: Desired, id: str) -> set[str]:
    return {file.name for file in part(desired, id).files}


def ids(desired: Desired) -> set[str]:
    return {each.id for each in desired.workloads} | {each.id for each in desired.jobs}


def test_every_client_of_the_broker_knows_all_of_its_nodes(three: Desired) -> None:
    secret = "nova:@@secret:nova_messaging_password@@"
    brokers = ",".join(f"{secret}@{address}:5672" for address in ADDRESSES.values())
    assert f"transport_url = rabbit://{brokers}//" in text(three, "nova-conductor@ctl2", "nova.conf").splitlines()


def test_each_broker_has_its_own_name_and_address(three: Desired) -> None:
    lines = text(three, "rabbitmq@ctl2", "rabbitmq-env.conf").splitlines()
    assert lines[0] == "NODENAME=rabbit@ctl2"
    assert (
        lines[-1] == 'SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {192,0,2,12} -kernel net_setuptime 3"'
    )


def test_one_broker_has_nothing_of_a_cluster(one: Desired) -> None:
    assert "cluster" not in text(one, "rabbitmq@ctl1", "rabbitmq.conf")
    assert text(one, "rabbitmq@ctl1", "rabbitmq-env.conf").startswith("NODENAME=rabbit@localhost\nDIST_PORT=25672\n")
    assert "inetrc" not in names(one, "rabbitmq@ctl1")
    assert "rabbitmq/members@ctl1" not in ids(one)


def test_every_client_of_the_network_databases_knows_all_of_them(three: Desired) -> None:
    north, south = (",".join(f"tcp:{each}:{port}" for each in ADDRESSES.values()) for port in (6641, 6642))
    for id, name in (
        ("neutron-server@ctl1", "ml2_conf.ini"),
        ("neutron-ovn-metadata-agent@ctl3", "neutron_ovn_metadata_agent.ini"),
    ):
        assert f"ovn_nb_connection = {north}" in text(three, id, name).splitlines()
        assert f"ovn_sb_connection = {south}" in text(three, id, name).splitlines()
    assert f"REMOTE={south}" in text(three, "ovn-controller@ctl2", "chassis.sh").splitlines()
    assert f"start_northd {north} {south}" in text(three, "ovn-northd@ctl3", "config.json")


def test_the_databases_of_each_host_know_where_the_others_are(three: Desired) -> None:
    assert text(three, "ovn-nb-db@ctl2", "ovn-nb-cluster.sh").splitlines()[1:] == [
        "LOCAL=tcp:192.0.2.12:6643",
        'OTHERS="tcp:192.0.2.11:6643 tcp:192.0.2.13:6643"',
        'PEERS="tcp:192.0.2.11:6641 tcp:192.0.2.13:6641"',
        "FIRST=no",
    ]
    assert "FIRST=yes" in text(three, "ovn-sb-db@ctl1", "ovn-sb-cluster.sh").splitlines()


def test_one_database_has_nothing_of_a_cluster(one: Desired) -> None:
    assert names(one, "ovn-nb-db@ctl1") == {"config.json", "ovn-nb-db.json"}
    assert "ovn/members@ctl1" not in ids(one)
    workload = one.workload("ovn-nb-db@ctl1")
    assert workload is not None and workload.health is not None
    assert workload.health.command == "ovsdb-client --timeout=5 list-dbs tcp:192.0.2.11:6641"
    assert workload.listens == ("192.0.2.11:6641",)
