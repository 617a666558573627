"""Brokers of three control hosts, with a real client: one killed, all killed, one cut off, one without its disk."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.build.standing import standing
from tests.catalogue.control_hosts import NAMES, ControlHosts, control_hosts, several
from tests.hosts.shell import until

pytestmark = pytest.mark.engine

CLIENT = """
import sys
import amqp
address, user, password, act, text = sys.argv[1:]
patience = {"connect_timeout": 5, "read_timeout": 10}
with amqp.Connection(f"{address}:5672", user, password, confirm_publish=True, **patience) as link:
    channel = link.channel()
    channel.queue_declare("letters", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    if act == "put":
        channel.basic_publish(amqp.Message(text, delivery_mode=2), routing_key="letters", timeout=10)
    else:
        while (letter := channel.basic_get("letters", no_ack=True)) is not None:
            print(letter.body)
"""


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlHosts]:
    standing("rabbitmq", "openstack-base")
    with control_hosts(tmp_path_factory.mktemp("brokers")) as hosts:
        for host in reversed(NAMES):
            hosts.start("rabbitmq", host)
        whole(hosts)
        yield hosts


def members(brokers: ControlHosts, host: str) -> tuple[set[str], set[str]]:
    """Nodes of the cluster and those that run, as one node sees it."""
    answer = brokers.execute("rabbitmq", host, "rabbitmqctl", "--silent", "cluster_status", "--formatter", "json")
    if answer.code:
        return set(), set()
    status = json.loads(answer.text)
    return set(status["disk_nodes"]), set(status["running_nodes"])


def whole(brokers: ControlHosts, *hosts: str) -> float:
    """Wait until these run and no others are members; the seconds it took."""
    there = hosts or NAMES
    nodes = {f"rabbit@{host}" for host in there}
    return until(f"cluster of {nodes}", lambda: members(brokers, there[0]) == (nodes, nodes))


def queue_members(brokers: ControlHosts) -> int:
    command = ("rabbitmqctl", "--silent", "list_queues", "members", "--formatter", "json")
    answer = brokers.execute("rabbitmq", "ctl1", *command)
    return len(json.loads(answer.text)[0]["members"]) if answer.code == 0 else 0


def client(brokers: ControlHosts, host: str, act: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """A client of one broker, with the account that nova has."""
    (image,) = standing("openstack-base")
    command = ["docker", "run", "--rm", "-i", "--network", brokers.mark]
    command += ["--entrypoint", "/var/lib/kolla/venv/bin/python", image, "-c", CLIENT, brokers.addresses[host]]
    command += ["nova", "value_of_nova_messaging_password", act, text]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def put(brokers: ControlHosts, host: str, text: str) -> None:
    """Fails unless the broker confirmed it."""
    done = client(brokers, host, "put", text)
    assert done.returncode == 0, done.stderr


def take_all(brokers: ControlHosts, host: str) -> list[str]:
    done = client(brokers, host, "take")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_killed_broker_is_missed_by_nobody_and_comes_back(brokers: ControlHosts) -> None:
    put(brokers, "ctl1", "before")
    brokers.execute("rabbitmq", "ctl1", "bash", "-c", "kill -9 $(pidof beam.smp)")
    put(brokers, "ctl2", "meanwhile")
    whole(brokers)  # the engine starts it anew, nobody else does anything
    assert take_all(brokers, "ctl1") == ["before", "meanwhile"]


def test_all_killed_at_once_come_back_in_any_order_also_without_one(brokers: ControlHosts) -> None:
    put(brokers, "ctl3", "kept")
    brokers.power_off("rabbitmq", *NAMES)
    brokers.power_on("rabbitmq", "ctl3", "ctl2")
    until("two of three serve", lambda: members(brokers, "ctl2")[1] == {"rabbit@ctl2", "rabbit@ctl3"})
    put(brokers, "ctl3", "by-two")
    brokers.power_on("rabbitmq", "ctl1")
    whole(brokers)
    assert take_all(brokers, "ctl1") == ["kept", "by-two"]


def test_one_that_is_cut_off_takes_nothing_and_is_whole_again_afterwards(brokers: ControlHosts) -> None:
    brokers.cut("rabbitmq", "ctl3")
    until("the majority goes on", lambda: client(brokers, "ctl1", "put", "majority").returncode == 0)
    declared = brokers.execute(
        "rabbitmq", "ctl3", "rabbitmqctl", "--silent", "--timeout", "4", "add_user", "stray", "x"
    )
    assert declared.code != 0, declared.text
    brokers.mend("rabbitmq", "ctl3")
    whole(brokers)
    assert "stray" not in brokers.execute("rabbitmq", "ctl3", "rabbitmqctl", "--silent", "list_users").text
    assert set(take_all(brokers, "ctl3")) == {"majority"}


def test_one_without_its_disk_joins_anew(brokers: ControlHosts) -> None:
    put(brokers, "ctl1", "safe")
    brokers.lose_disk("rabbitmq", "ctl2", "rabbitmq")
    brokers.start("rabbitmq", "ctl2")
    whole(brokers)
    until("the queue has three members again", lambda: queue_members(brokers) == 3, 90)
    brokers.power_off("rabbitmq", "ctl3")  # the one that is new has to be part of the majority
    until("the two serve the queue", lambda: client(brokers, "ctl1", "put", "later").returncode == 0)
    assert take_all(brokers, "ctl1")[0] == "safe"


def test_a_host_that_left_is_forgotten(brokers: ControlHosts) -> None:
    stays = {host: address for host, address in brokers.addresses.items() if host != "ctl3"}
    left = several({**stays, "ctl4": "192.0.2.13"}, "rabbitmq")
    job = next(each for each in left.jobs if each.id == "rabbitmq/members@ctl1")
    assert job.check is not None
    brokers.lose_disk("rabbitmq", "ctl3", "rabbitmq")
    assert "rabbit@ctl3 left the cluster" in brokers.job("rabbitmq/members", "ctl1", job.run, left).text
    assert brokers.job("rabbitmq/members", "ctl1", job.check, left).code == 0
    assert members(brokers, "ctl2")[0] == {"rabbit@ctl1", "rabbit@ctl2"}
