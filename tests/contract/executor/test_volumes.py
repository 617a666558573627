"""What happens to data: every executor backs it up, puts it back and moves it, and a cut-off run loses none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mastic.errors import HostError
from mastic.execute.feed import ImageFeed
from mastic.model.desired import Desired
from mastic.model.goal import Goal
from mastic.model.plan import Plan
from mastic.model.run import Run
from mastic.plan.around import backup_plan, restore_plan
from mastic.plan.reconcile import reconcile
from tests.contract.executor.clouds import API, LOAD, VOLUME, WEB, api, cloud, load, web
from tests.contract.executor.world import HOST, World

ALL = cloud(load(), web(needs=(LOAD,)))
BOTH = cloud(web(), api())


def perform(world: World, plan: Plan, desired: Desired) -> Run:
    return world.executor.perform(plan, desired, {"a_word": "hidden"}, ImageFeed(), world.events.append)


def back_up(world: World, desired: Desired, path: Path) -> list[str]:
    """Steps of a backup, which leaves nothing to do."""
    plan = backup_plan(desired, world.executor.observe((HOST,)), HOST, (VOLUME,), str(path))
    run = perform(world, plan, desired)
    assert run.ok, run
    assert world.remaining(desired) == []
    return [step.id for step in plan.steps]


def put_back(world: World, desired: Desired, path: Path) -> Run:
    archive = world.executor.archive(HOST, str(path))
    return perform(world, restore_plan(desired, world.executor.observe((HOST,)), HOST, archive), desired)


def at(desired: Desired, path: Path) -> Desired:
    return replace(desired, volumes=tuple(replace(volume, path=str(path)) for volume in desired.volumes))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "one.tar"


def test_backup_stops_the_users_and_starts_them_again(world: World, archive: Path) -> None:
    world.succeed(ALL)
    before = world.host()
    assert back_up(world, ALL, archive) == [f"stop:{WEB}", f"backup:{VOLUME}@{HOST}", f"start:{WEB}"]
    after = world.host()
    assert (after.volumes, after.jobs) == (before.volumes, before.jobs)
    assert after.workloads["web"].container_id == before.workloads["web"].container_id
    assert after.workloads["web"].started_at > before.workloads["web"].started_at
    told = world.executor.archive(HOST, str(archive))
    assert (set(told.volumes), told.jobs) == ({VOLUME}, before.jobs)


def test_restore_brings_the_content_back(world: World, archive: Path) -> None:
    world.succeed(ALL)
    world.accidents.put(VOLUME, "of then")
    back_up(world, ALL, archive)
    world.accidents.put(VOLUME, "of now")
    assert put_back(world, ALL, archive).ok
    assert world.accidents.text(VOLUME) == "of then"
    assert world.remaining(ALL) == []


def test_content_comes_back_into_a_new_volume_with_what_was_done_to_it(world: World, archive: Path) -> None:
    world.succeed(ALL)
    world.accidents.put(VOLUME, "of then")
    back_up(world, ALL, archive)
    world.succeed(cloud(volumes=False), Goal(allow_data_loss=True))
    later = cloud(load("echo other\n", when="changed"), web(needs=(LOAD,)))
    world.succeed(later)
    run = put_back(world, later, archive)
    assert run.ok
    assert f"run:{LOAD}" in run.done, "it had run otherwise on the content that came back"
    assert world.accidents.text(VOLUME) == "of then"
    assert world.remaining(later) == []


def test_failed_restore_leaves_the_present_content(world: World, archive: Path) -> None:
    world.succeed(ALL)
    world.accidents.put(VOLUME, "of then")
    back_up(world, ALL, archive)
    world.accidents.put(VOLUME, "of now")
    told = world.executor.archive(HOST, str(archive))
    other = replace(told, volumes={VOLUME: "another checksum"})
    plan = restore_plan(ALL, world.executor.observe((HOST,)), HOST, other)
    assert list(perform(world, plan, ALL).failed) == [f"restore:{VOLUME}@{HOST}"]
    assert world.remaining(ALL) == [f"start:{WEB}, stopped"]
    world.succeed(ALL)
    assert world.accidents.text(VOLUME) == "of now"


def test_what_is_no_backup_is_said(world: World, tmp_path: Path) -> None:
    file = world.path(tmp_path / "some.tar")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("nothing")
    with pytest.raises(HostError, match="no backup"):
        world.executor.archive(HOST, str(tmp_path / "some.tar"))


def test_move_keeps_the_data_and_what_was_done_to_it(world: World, tmp_path: Path) -> None:
    world.succeed(ALL)
    world.accidents.put(VOLUME, "precious")
    before = world.host()
    moved = at(ALL, tmp_path / "place")
    assert world.succeed(moved) == sorted(
        [f"move:{VOLUME}@{HOST}", f"remove:{WEB}", f"start:{WEB}", f"write:{WEB}"],
    )
    after = world.host()
    assert after.volume_paths == {VOLUME: str(tmp_path / "place")}
    assert (after.volumes, after.jobs) == (before.volumes, before.jobs)
    assert world.accidents.text(VOLUME) == "precious"
    assert world.remaining(ALL) == [], "a volume without a place in the definition stays where it is"
    world.succeed(at(ALL, tmp_path / "other"))
    assert world.accidents.text(VOLUME) == "precious"
    assert not world.path(tmp_path / "place").exists()


def test_moved_volume_is_backed_up_and_restored(world: World, tmp_path: Path, archive: Path) -> None:
    moved = at(ALL, tmp_path / "place")
    world.succeed(moved)
    world.accidents.put(VOLUME, "of then")
    back_up(world, moved, archive)
    world.accidents.put(VOLUME, "of now")
    assert put_back(world, moved, archive).ok
    assert world.accidents.text(VOLUME) == "of then"


@pytest.mark.parametrize("steps", range(4))
def test_move_cut_off_after_any_step(world: World, tmp_path: Path, steps: int) -> None:
    world.succeed(ALL)
    world.accidents.put(VOLUME, "precious")
    moved = at(ALL, tmp_path / "place")
    plan = plan_of(world, moved)
    perform(world, replace(plan, steps=plan.steps[:steps]), moved)
    world.succeed(moved)
    assert world.accidents.text(VOLUME) == "precious"


def plan_of(world: World, desired: Desired) -> Plan:
    return reconcile(desired, world.executor.observe((HOST,)), Goal())


def test_both_slots_are_stopped_and_one_comes_back(world: World, archive: Path) -> None:
    world.succeed(BOTH)
    steps = back_up(world, BOTH, archive)
    assert {f"stop:{API}", f"stop:{WEB}", f"start:{API}", f"start:{WEB}"} <= set(steps)
    moved = at(BOTH, archive.parent / "place")
    world.succeed(moved)
    assert world.host().workloads["api"].state == "running"
