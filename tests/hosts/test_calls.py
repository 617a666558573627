"""What many hosts cost: one call per host and wave, and how much of the controller's processors each takes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mastic.errors import HostError
from mastic.execute.feed import ImageFeed
from mastic.execute.remote.executor import AnsibleExecutor
from mastic.execute.remote.reach import Reach
from mastic.model.desired import Desired
from mastic.model.goal import Goal
from mastic.model.run import Event
from mastic.plan.reconcile import reconcile
from mastic.plan.waves import waves
from tests.contract.executor.clouds import cloud, load, web
from tests.contract.executor.world import CLOUD, HOST, There, remote_world
from tests.hosts import cgroups, host, lab
from tests.hosts.lab import Lab
from tests.hosts.root import engine_root, fresh_root

pytestmark = pytest.mark.engine
LIGHT = 8
BUDGET = 0.15
"""Seconds of the controller's processors per host and wave."""


@pytest.fixture(scope="module")
def pair() -> Iterator[Lab]:
    with lab.running(lab.Wanted({HOST: engine_root("trixie"), "there": engine_root("trixie")})) as made:
        yield made


@pytest.fixture
def executor(pair: Lab, tmp_path: Path) -> AnsibleExecutor:
    return AnsibleExecutor(CLOUD, tmp_path, reach(pair))


def reach(made: Lab) -> Reach:
    return Reach({each.name: lab.variables(each) for each in made.hosts})


def on_two_hosts() -> Desired:
    """`web` here needs a job there, which needs nothing."""
    far = load()
    far = replace(far, host="there")
    desired = cloud(far, web(needs=(far.id,)))
    volumes = (*desired.volumes, *(replace(volume, host="there") for volume in desired.volumes))
    return replace(desired, hosts=(HOST, "there"), volumes=volumes)


def test_one_call_per_host_and_wave(pair: Lab, executor: AnsibleExecutor) -> None:
    for each in pair.hosts:
        remote_world(each, executor)
    desired, events = on_two_hosts(), list[Event]()
    plan = reconcile(desired, executor.observe(desired.hosts), Goal())
    assert len(waves(plan)) == 2
    executor.carriers.calls.clear()
    run = executor.perform(plan, desired, {"a_word": "hidden"}, ImageFeed(), events.append)
    assert run.ok, run
    assert [(name, set(hosts)) for name, hosts in executor.carriers.calls] == [
        ("perform", {HOST, "there"}),
        ("perform", {HOST}),
    ]
    assert {(event.host, event.state) for event in events} >= {(HOST, "done"), ("there", "done")}
    assert not reconcile(desired, executor.observe(desired.hosts), Goal()).steps
    assert "hidden" not in (executor.carriers.log).read_text()
    gone = reconcile(desired, executor.observe(desired.hosts), Goal(destroy=True, allow_data_loss=True))
    assert executor.perform(gone, desired, {"a_word": "hidden"}, ImageFeed(), events.append).ok


def test_steps_are_told_as_they_come(pair: Lab, executor: AnsibleExecutor) -> None:
    """Not only when the agent has ended."""
    remote_world(pair[HOST], executor)
    desired, told = cloud(load("sleep 2\n")), list[tuple[str, float]]()
    plan = reconcile(desired, executor.observe((HOST,)), Goal())
    run = executor.perform(plan, desired, {}, ImageFeed(), lambda event: told.append((event.state, time.monotonic())))
    assert run.ok
    assert told[-1][1] - told[0][1] > 1.5


def test_a_host_that_dies_under_way_is_told(pair: Lab, executor: AnsibleExecutor) -> None:
    remote_world(pair[HOST], executor)
    desired = cloud(load("sleep 60\n", when="changed"))
    job = f"run:{desired.jobs[0].id}"

    def tell(event: Event) -> None:
        if (event.id, event.state) == (job, "started"):
            host.kill(pair[HOST])

    plan = reconcile(desired, executor.observe((HOST,)), Goal())
    run = executor.perform(plan, desired, {}, ImageFeed(), tell)
    assert "while this step ran" in run.failed[job].message
    lab.boot(pair, [HOST])
    There(pair[HOST]).docker("ps")


def test_hosts_that_do_not_answer_are_all_told(pair: Lab, tmp_path: Path) -> None:
    """No machine, no Python, no root: each with its own reason, and the one that answers does."""
    pair[HOST].output("useradd", "plain")
    known = reach(pair).hosts
    strange = {
        "absent": {**known[HOST], "ansible_host": pair.fabric.address(0, 200), "ansible_timeout": 2},
        "snakeless": {**known[HOST], "ansible_python_interpreter": "/usr/bin/python9"},
        "rootless": {
            **known[HOST],
            "ansible_become": True,
            "ansible_become_user": "plain",
            "ansible_become_method": "su",
        },
    }
    executor = AnsibleExecutor(CLOUD, tmp_path, Reach({HOST: known[HOST], **strange}))
    seen = executor.observe((HOST, *strange))
    assert set(seen.hosts) == {HOST}
    assert "Connection timed out" in seen.unreachable["absent"] or "No route" in seen.unreachable["absent"]
    assert "python9" in seen.unreachable["snakeless"]
    assert "has to run as root" in seen.unreachable["rootless"]
    with pytest.raises(HostError, match="cannot be reached"):
        executor.kept("absent")


def test_controller_time_per_host(tmp_path: Path) -> None:
    root = fresh_root("trixie")
    with lab.running(lab.Wanted({f"h{number}": root for number in range(LIGHT)})) as made:
        names = tuple(each.name for each in made.hosts)
        with cgroups.counting(f"controller{os.getpid()}") as seconds:
            executor = AnsibleExecutor(CLOUD, tmp_path, reach(made))
            assert len(executor.observe(names).hosts) == LIGHT
            before = seconds()
            for _ in range(3):
                executor.observe(names)
            used = (seconds() - before) / (3 * LIGHT)
    print(f"first call {before / LIGHT * 1000:.0f}, then {used * 1000:.0f} ms of the controller per host and wave")
    assert used < BUDGET
