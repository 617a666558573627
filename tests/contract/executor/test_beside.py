"""A workload with two slots: a new container serves before the old one goes, whatever cuts the run off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mastic.execute.feed import ImageFeed
from mastic.model.desired import Desired
from mastic.model.goal import Goal
from mastic.plan.reconcile import reconcile
from tests.contract.executor.clouds import API, BREAK, SERVE, WEB, api, cloud, web
from tests.contract.executor.world import CLOUD, HOST, IMAGES, World, with_image

BOTH = cloud(web(), api())
CHANGED = cloud(web(), api(SERVE + "# two\n"))
TO_B = [f"bind:api/b@{HOST}", f"remove:api/a@{HOST}", f"start:{API}", f"write:{API}"]
TO_A = [f"bind:api/a@{HOST}", f"remove:api/b@{HOST}", f"start:{API}", f"write:{API}"]


def folders(world: World) -> set[str]:
    return {name for name, there in world.host().files.items() if there and "api" in name}


def check_single(world: World, slot: str) -> None:
    """One container, by the workload's name, with the files of its slot and no others."""
    seen = world.host().workloads["api"]
    assert (seen.container, seen.slot, seen.state) == (f"{CLOUD}_api", slot, "running")
    assert world.host().beside == {}
    assert folders(world) == {f"{CLOUD}_api.{slot}"}


def perform_first(world: World, desired: Desired, steps: int) -> None:
    """The first steps of the plan, as when the run is cut off then."""
    plan = reconcile(desired, world.executor.observe((HOST,)), Goal())
    part = replace(plan, steps=plan.steps[:steps])
    assert world.executor.perform(part, desired, {"a_word": "hidden"}, ImageFeed(), world.events.append).ok


def test_first_start_takes_the_first_slot(world: World) -> None:
    assert f"start:{API}" in world.succeed(BOTH)
    check_single(world, "a")


def test_changed_file_brings_a_new_container_and_back(world: World) -> None:
    world.succeed(BOTH)
    before = world.host().workloads
    assert world.succeed(CHANGED) == TO_B
    check_single(world, "b")
    assert world.host().workloads["api"].container_id != before["api"].container_id
    assert world.host().workloads["web"] == before["web"]
    assert world.succeed(BOTH) == TO_A
    check_single(world, "a")


def test_steps_follow_each_other(world: World) -> None:
    world.succeed(BOTH)
    world.events.clear()
    world.succeed(CHANGED)
    done = [event.id for event in world.events if event.state == "done"]
    assert done == [TO_B[3], TO_B[2], TO_B[0], TO_B[1]]


def test_changed_image(world: World) -> None:
    world.succeed(BOTH)
    assert set(world.succeed(with_image(BOTH, IMAGES[1]))) >= set(TO_B)
    check_single(world, "b")
    assert world.host().workloads["api"].image == IMAGES[1]


def test_file_that_nobody_reads_at_the_start_is_only_written(world: World) -> None:
    world.succeed(BOTH)
    before = world.host().workloads
    assert world.succeed(cloud(web(), api(policy="two"))) == [f"write:{API}"]
    assert world.host().workloads == before


def test_new_one_that_fails_leaves_the_old_one_serving(world: World) -> None:
    world.succeed(BOTH)
    before = world.host().workloads["api"]
    failure = world.apply(cloud(web(), api(BREAK))).failed[f"start:{API}"]
    assert "Access denied for user web" in failure.log
    assert world.host().workloads["api"] == before
    assert world.host().beside["api"].state == "exited"
    done = world.succeed(CHANGED)
    assert done == sorted([*TO_B, f"bind:api/a@{HOST}", f"remove:api/b@{HOST}"])
    check_single(world, "b")


def test_failed_change_is_taken_back(world: World) -> None:
    world.succeed(BOTH)
    before = world.host().workloads["api"]
    world.apply(cloud(web(), api(BREAK)))
    world.succeed(BOTH)
    check_single(world, "a")
    assert world.host().workloads["api"].container_id == before.container_id


@pytest.mark.parametrize("steps", range(4))
@pytest.mark.parametrize("goes_on", [True, False], ids=["goes on", "is taken back"])
def test_cut_off_after_any_step(world: World, steps: int, goes_on: bool) -> None:
    world.succeed(BOTH)
    perform_first(world, CHANGED, steps)
    assert world.host().workloads["api"].state == "running"
    world.succeed(CHANGED if goes_on else BOTH)
    check_single(world, "b" if goes_on else "a")


def test_stopped_one_is_started_in_its_place(world: World) -> None:
    world.succeed(BOTH)
    world.accidents.kill("api")
    assert world.succeed(BOTH) == [f"bind:api/a@{HOST}", f"start:{API}"]
    check_single(world, "a")


def test_one_that_was_removed_by_hand_comes_again_where_its_files_are(world: World) -> None:
    world.succeed(BOTH)
    world.succeed(CHANGED)
    world.accidents.take_away("api")
    assert world.succeed(CHANGED) == [f"bind:api/b@{HOST}", f"start:{API}"]
    check_single(world, "b")
    assert world.remaining(CHANGED) == []


def test_one_that_was_removed_in_the_middle_leaves_nothing(world: World) -> None:
    world.succeed(BOTH)
    perform_first(world, CHANGED, 1)
    world.accidents.take_away("api")
    world.succeed(CHANGED)
    check_single(world, "a")
    assert world.remaining(CHANGED) == []


def test_both_containers_go_with_the_service(world: World) -> None:
    world.succeed(BOTH)
    perform_first(world, CHANGED, 2)
    assert set(world.host().beside) == {"api"}
    assert set(world.succeed(cloud(web()))) == {f"remove:{API}", f"remove:api/b@{HOST}"}
    assert folders(world) == set()


def test_without_the_load_balancer_there_is_nobody_to_tell(world: World) -> None:
    world.succeed(BOTH)
    world.accidents.kill("web")
    steps = world.succeed(replace(CHANGED, workloads=tuple(w for w in CHANGED.workloads if w.id != WEB)))
    assert set(TO_B) <= set(steps)
