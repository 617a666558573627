"""What was wanted before and is no more: removal jobs, data left with others, moves and renames."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mastic.execute.fake import FakeExecutor
from mastic.model.desired import Departed, Desired, PlacedJob
from mastic.model.goal import Goal
from mastic.plan.departed import left_behind, with_departed
from mastic.plan.drift import drifts
from tests.plan.clouds import apply, cloud, database_and_api, describe, job, plan_for, volume, workload

LOSS = Goal(allow_data_loss=True)


def drop() -> PlacedJob:
    """What a database gives its consumer's end."""
    made = job("mariadb_drop", "mariadb", when="discard", needs=("mariadb@lab",))
    return replace(made, service="glance", container="mariadb_drop_glance")


@pytest.fixture
def before() -> Desired:
    """A database; an API with data in it, a volume, and a job to run before it goes."""
    base = database_and_api()
    farewell = job("say_goodbye", "glance", when="removal")
    return replace(base, jobs=(*base.jobs, farewell), discards=(drop(),))


@pytest.fixture
def executor(before: Desired) -> FakeExecutor:
    executor = FakeExecutor(before.hosts)
    apply(before, executor)
    return executor


def after(before: Desired) -> Desired:
    """The definition without the API."""
    return replace(
        before,
        workloads=tuple(each for each in before.workloads if each.service != "glance"),
        jobs=tuple(each for each in before.jobs if each.service != "glance"),
        discards=(),
    )


def test_a_service_that_left_altogether_says_goodbye_first(before: Desired, executor: FakeExecutor) -> None:
    wanted = with_departed(after(before), before)
    plan = plan_for(wanted, executor)
    assert describe(plan) == (
        " 1 [] write:glance/say_goodbye@lab, not there yet\n"
        " 2 [1] run:glance/say_goodbye@lab, service leaves the host (cannot be undone)\n"
        " 3 [2] remove:glance@lab, no longer wanted (interrupts)"
    )
    assert plan.stays == ("what glance has in mariadb",)
    apply(wanted, executor)
    assert executor.hosts["lab"].ran[-1] == "glance/say_goodbye@lab"
    assert not plan_for(wanted, executor)


def test_data_it_has_with_others_goes_last_and_only_when_allowed(before: Desired, executor: FakeExecutor) -> None:
    wanted = with_departed(after(before), before)
    apply(wanted, executor)
    stands = left_behind(wanted, before, Goal())
    assert [each.id for each in stands.departed.discards] == ["glance/mariadb_drop@lab"]
    later = with_departed(after(before), stands)
    assert not plan_for(later, executor)
    plan = apply(later, executor, LOSS)
    assert describe(plan).endswith("run:glance/mariadb_drop@lab, no longer wanted (data-loss, cannot be undone)")
    assert plan.stays == ()
    assert not [name for name in executor.hosts["lab"].jobs if name.startswith("glance/")], "they run if it comes back"
    assert left_behind(later, stands, LOSS).departed == Departed()


def test_a_service_that_came_back_keeps_its_data(before: Desired, executor: FakeExecutor) -> None:
    wanted = with_departed(after(before), before)
    apply(wanted, executor)
    stands = left_behind(wanted, before, Goal())
    back = with_departed(before, stands)
    assert back.departed == Departed()
    assert "glance/db_sync@lab" not in {step.resource for step in apply(back, executor, LOSS).steps}


def test_nothing_is_taken_from_a_provider_that_left_as_well(before: Desired, executor: FakeExecutor) -> None:
    empty = replace(after(before), workloads=(), volumes=())
    plan = plan_for(with_departed(empty, before), executor, LOSS)
    assert "run:glance/mariadb_drop@lab" not in {step.id for step in plan.steps}
    assert "remove:volume/mariadb@lab" in {step.id for step in plan.steps}


def test_what_leaves_goes_before_what_it_needs(before: Desired, executor: FakeExecutor) -> None:
    bare = replace(after(before), workloads=(), volumes=())
    ids = [step.id for step in plan_for(with_departed(bare, before), executor).steps]
    assert ids.index("remove:glance@lab") < ids.index("remove:mariadb@lab")


def test_kept_data_is_no_drift(before: Desired, executor: FakeExecutor) -> None:
    wanted = with_departed(after(before), before)
    apply(wanted, executor)
    stands = left_behind(wanted, before, Goal())
    assert drifts(stands, executor.observe(stands.hosts)) == ()


def test_a_move_to_another_host_is_told_as_one() -> None:
    hosts = ("one", "two")
    one = cloud(workload("api", host="one", volumes=("api",)), volume("api", host="one"), hosts=hosts)
    two = cloud(workload("api", host="two", volumes=("api",)), volume("api", host="two"), hosts=hosts)
    executor = FakeExecutor(hosts)
    apply(one, executor)
    causes = {step.id: step.cause for step in apply(with_departed(two, one), executor).steps}
    assert causes["remove:api@one"] == "moves to two; volume api stays on one"
    assert causes["start:api@two"] == "moves from one"
    assert not plan_for(with_departed(two, one), executor)


def test_a_rename_is_told_as_one_and_waits_for_its_place() -> None:
    old = cloud(workload("api", "web", listens=("192.0.2.1:80",), volumes=("web",)), volume("web"))
    new = cloud(workload("server", "web", listens=("192.0.2.1:80",), volumes=("web",)), volume("web"))
    executor = FakeExecutor(("lab",))
    apply(old, executor)
    plan = apply(with_departed(new, old), executor)
    steps = {step.id: step for step in plan.steps}
    assert steps["remove:api@lab"].cause == "renamed to server"
    assert steps["start:server@lab"].cause == "renamed from api"
    assert "remove:api@lab" in steps["start:server@lab"].needs
    assert "volume:web@lab" not in steps
