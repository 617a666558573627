"""A change of a clustered workload reaches one host after the other; its first start reaches all at once."""

from __future__ import annotations

from mastic.execute.fake import FakeExecutor
from mastic.model.desired import Desired
from mastic.model.plan import Plan
from mastic.plan.waves import waves
from tests.plan.clouds import apply, cloud, file, job, plan_for, workload

HOSTS = ("one", "two", "three")


def three(content: str, *, one_by_one: bool) -> Desired:
    members = (
        workload("store", host=host, files=(file("store.conf", content),), one_by_one=one_by_one) for host in HOSTS
    )
    return cloud(*members, hosts=HOSTS)


def needs(plan: Plan, verb: str) -> dict[str, set[str]]:
    """Host → hosts of the same verb that it waits for."""
    steps = {step.id: step for step in plan.steps if step.verb == verb}
    return {step.host: {steps[id].host for id in step.needs if id in steps} for step in steps.values()}


def test_members_start_together() -> None:
    plan = plan_for(three("one", one_by_one=True), FakeExecutor(HOSTS))
    assert needs(plan, "start") == {"one": set(), "two": set(), "three": set()}


def test_members_change_one_after_the_other() -> None:
    executor = FakeExecutor(HOSTS)
    apply(three("one", one_by_one=True), executor)
    changed = three("two", one_by_one=True)
    assert needs(plan_for(changed, executor), "restart") == {"one": set(), "two": {"one"}, "three": {"two"}}
    apply(changed, executor)
    assert not plan_for(changed, executor)


def test_what_is_no_cluster_changes_everywhere_at_once() -> None:
    executor = FakeExecutor(HOSTS)
    apply(three("one", one_by_one=False), executor)
    plan = plan_for(three("two", one_by_one=False), executor)
    assert needs(plan, "restart") == {"one": set(), "two": set(), "three": set()}


def test_members_that_wait_for_another_host_start_in_the_same_wave() -> None:
    members = [workload("store", host=host, needs=("store/install@one",), one_by_one=True) for host in HOSTS]
    wanted = cloud(job("install", "store", host="one"), *members, hosts=HOSTS)
    plan = plan_for(wanted, FakeExecutor(HOSTS))
    started = [{step.host for step in wave.steps if step.verb == "start"} for wave in waves(plan)]
    assert started == [set(), set(HOSTS)]
