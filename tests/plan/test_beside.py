"""Plans of workloads with two slots against tests/golden/plan_beside*; `MASTIC_ACCEPT=1 pytest tests/plan` accepts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mastic.execute.fake import FakeExecutor
from mastic.model.desired import Desired, PlacedWorkload
from mastic.report.plan_text import plan_text
from tests.golden.compare import assert_golden
from tests.plan.clouds import (
    apply,
    beside,
    cloud,
    database_and_api,
    describe,
    perform,
    plan_for,
    with_file,
    with_workload,
    workload,
)


@pytest.fixture
def desired() -> Desired:
    return database_and_api()


@pytest.fixture
def executor(desired: Desired) -> FakeExecutor:
    """A host on which the cloud stands, its workloads without slots yet."""
    executor = FakeExecutor(desired.hosts)
    apply(desired, executor)
    return executor


def glance(desired: Desired) -> PlacedWorkload:
    found = desired.workload("glance@lab")
    assert found
    return found


def test_image_of_an_api_changed(desired: Desired, executor: FakeExecutor) -> None:
    """The new one beside the old one; what the load balancer itself waits for comes first."""
    slotted = with_workload(desired, beside(glance(desired), "haproxy"))
    apply(slotted, executor)
    changed = with_workload(
        slotted, replace(glance(slotted), spec={**glance(slotted).spec, "image": "mastic/glance:2"})
    )
    plan = plan_for(with_file(changed, "haproxy@lab", "haproxy.cfg", "two"), executor)
    assert_golden("plan_beside", describe(plan))
    assert_golden("plan_beside-text", plan_text(plan))


def test_replacement_that_was_cut_off_is_finished_or_taken_back(desired: Desired, executor: FakeExecutor) -> None:
    slotted = with_workload(desired, beside(glance(desired), "haproxy"))
    apply(slotted, executor)
    changed = with_file(slotted, "glance@lab", "glance.conf", "two")
    executor.stop_after = 3
    perform(plan_for(changed, executor), changed, executor)
    assert_golden("plan_beside-goes-on", describe(plan_for(changed, executor)))
    assert_golden("plan_beside-taken-back", describe(plan_for(slotted, executor)))
    another = with_file(slotted, "glance@lab", "glance.conf", "three")
    assert_golden("plan_beside-changed-again", describe(plan_for(another, executor)))


def test_load_balancer_on_another_host_is_asked_there() -> None:
    api = beside(workload("api", host="one"), "balancer")
    api = replace(api, bindings=(replace(api.bindings[0], host="two"),))
    desired, executor = cloud(api, workload("balancer", host="two"), hosts=("one", "two")), FakeExecutor(("one", "two"))
    apply(desired, executor)
    changed = with_workload(desired, replace(api, spec={**api.spec, "user": "root"}))
    assert_golden("plan_beside-two-hosts", describe(apply(changed, executor)))
    assert executor.hosts["two"].balanced == {"api": "b"}
    assert not plan_for(changed, executor)
