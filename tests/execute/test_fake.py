"""FakeExecutor is as strict as a host: what is not there cannot be used."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from mastic.execute.fake import FakeExecutor
from mastic.execute.feed import ImageFeed, ImageNotice
from mastic.model.plan import Plan
from mastic.model.run import Event
from tests.plan.clouds import apply, cloud, database_and_api, feed_of, perform, plan_for, values, volume, workload

DESIRED = database_and_api()


def without_step(plan: Plan, verb: str) -> Plan:
    """The plan as a bug in the planner would make it."""
    gone = {step.id for step in plan.steps if step.verb == verb}
    steps = (step for step in plan.steps if step.id not in gone)
    return replace(plan, steps=tuple(replace(s, needs=tuple(n for n in s.needs if n not in gone)) for s in steps))


@pytest.mark.parametrize(
    ("verb", "why"),
    [("pull", "no such image: mastic/db:1"), ("volume", "no such volume: db"), ("write", "file db.conf of db is not")],
)
def test_start_fails_without_what_it_is_made_of(verb: str, why: str) -> None:
    desired = cloud(workload("db", volumes=("db",)), volume("db"))
    executor = FakeExecutor(("lab",))
    run = perform(without_step(plan_for(desired, executor), verb), desired, executor)
    assert why in run.failed["start:db@lab"].message


def test_failure_stops_the_run_and_says_what_did_not_run() -> None:
    executor = FakeExecutor(("lab",))
    executor.fail["start:mariadb@lab"] = "Access denied"
    events: list[Event] = []
    plan = plan_for(DESIRED, executor)
    run = executor.perform(plan, DESIRED, values(DESIRED), feed_of(DESIRED), events.append)
    assert [event.id for event in events if event.state == "failed"] == ["start:mariadb@lab"]
    assert run.failed["start:mariadb@lab"].log == ("mariadb starts", "Access denied")
    assert {*run.done, *run.failed, *run.skipped} == {step.id for step in plan.steps}


def test_run_ends_after_the_steps_it_is_allowed() -> None:
    executor = FakeExecutor(("lab",))
    executor.stop_after = 3
    run = perform(plan_for(DESIRED, executor), DESIRED, executor)
    assert (len(run.done), run.failed) == (3, {})
    assert not run.ok


def test_pull_waits_for_the_notice_of_its_image() -> None:
    desired, executor, feed = cloud(workload("db")), FakeExecutor(("lab",)), ImageFeed()
    started = threading.Event()

    def tell(event: Event) -> None:
        if event.id.startswith("pull:") and event.state == "started":
            started.set()

    def build() -> None:
        started.wait(10)
        feed.ready("mastic/db:1")

    builder = threading.Thread(target=build)
    builder.start()
    run = executor.perform(plan_for(desired, executor), desired, {}, feed, tell)
    builder.join()
    assert run.ok


def test_image_that_failed_fails_its_pull() -> None:
    desired, executor, feed = cloud(workload("db")), FakeExecutor(("lab",)), ImageFeed()
    feed.failed("mastic/db:1", "no space left")
    run = executor.perform(plan_for(desired, executor), desired, {}, feed, lambda event: None)
    assert "no space left" in run.failed["pull:mastic/db:1@lab"].message


def test_secrets_are_filled_in_on_the_host_only() -> None:
    executor = FakeExecutor(("lab",))
    apply(DESIRED, executor)
    assert executor.hosts["lab"].contents["mariadb", "galera.cnf"] == "one VALUE-OF-database_password"
    assert [set(program["secrets"]) for program in executor.programs] == [{"database_password"}]


def test_late_subscriber_hears_everything_in_order() -> None:
    feed, heard = ImageFeed(), list[ImageNotice]()
    feed.ready("a")
    unsubscribe = feed.subscribe(heard.append)
    feed.failed("b", "why")
    unsubscribe()
    feed.ready("c")
    assert heard == [ImageNotice("a", "ready"), ImageNotice("b", "failed", "why")]
