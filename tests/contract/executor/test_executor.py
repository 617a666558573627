"""What every executor does, whatever carries it: the same cases for the fake and the real one."""

from __future__ import annotations

from dataclasses import replace

from mastic.model.goal import Goal
from tests.contract.executor.clouds import BREAK, DO_OR_LOOK, LOAD, SERVE, VOLUME, WEB, cloud, load, web
from tests.contract.executor.world import CLOUD, IMAGES, World, with_image

ALL = cloud(load(), web(needs=(LOAD,)))


def test_creates_everything_and_then_needs_nothing(world: World) -> None:
    done = world.succeed(ALL)
    assert done == sorted([f"run:{LOAD}", f"start:{WEB}", f"volume:{VOLUME}@here", f"write:{WEB}", f"write:{LOAD}"])
    seen = world.host().workloads["web"]
    assert (seen.state, seen.service, seen.image) == ("running", "test", IMAGES[0])
    assert set(world.host().volumes) == {VOLUME}
    assert world.host().disposable_volumes == frozenset()


def test_second_apply_changes_nothing(world: World) -> None:
    world.succeed(ALL)
    before = world.host()
    assert world.succeed(ALL) == []
    assert world.host().workloads == before.workloads
    assert world.host().volumes == before.volumes


def test_files_of_a_workload_stay_and_those_of_a_job_do_not(world: World) -> None:
    world.succeed(ALL)
    files = world.host().files
    assert {name for name, there in files.items() if there} == {f"{CLOUD}_web"}
    assert all(file.intact for file in files[f"{CLOUD}_web"].values())


def test_secrets_are_not_told(world: World) -> None:
    world.succeed(ALL)
    assert world.events
    assert "hidden" not in repr(world.events)


def test_changed_file_restarts_the_same_container(world: World) -> None:
    world.succeed(cloud(web()))
    before = world.host().workloads["web"]
    assert world.succeed(cloud(web(SERVE + "# two\n"))) == [f"restart:{WEB}", f"write:{WEB}"]
    after = world.host().workloads["web"]
    assert after.container_id == before.container_id
    assert after.started_at > before.started_at


def test_reload_does_not_restart(world: World) -> None:
    world.succeed(cloud(web()))
    before = world.host().workloads["web"]
    assert world.succeed(cloud(web(map="two"))) == [f"reload:{WEB}", f"write:{WEB}"]
    after = world.host().workloads["web"]
    assert (after.container_id, after.started_at) == (before.container_id, before.started_at)
    assert after.files_digest != before.files_digest


def test_file_that_needs_neither_is_only_written(world: World) -> None:
    world.succeed(cloud(web()))
    before = world.host().workloads["web"]
    assert world.succeed(cloud(web(policy="two"))) == [f"write:{WEB}"]
    assert world.host().workloads["web"].started_at == before.started_at


def test_changed_image_replaces_the_container_and_keeps_the_volume(world: World) -> None:
    world.succeed(ALL)
    before = world.host()
    assert world.succeed(with_image(ALL, IMAGES[1])) == [f"replace:{WEB}"]
    after = world.host()
    assert after.workloads["web"].container_id != before.workloads["web"].container_id
    assert after.workloads["web"].image == IMAGES[1]
    assert after.volumes == before.volumes


def test_stopped_container_is_started_again(world: World) -> None:
    world.succeed(cloud(web()))
    before = world.host().workloads["web"]
    world.accidents.kill("web")
    assert world.host().workloads["web"].state == "exited"
    assert world.succeed(cloud(web())) == [f"start:{WEB}"]
    after = world.host().workloads["web"]
    assert (after.state, after.container_id) == ("running", before.container_id)


def test_edited_file_is_repaired_and_read_again(world: World) -> None:
    world.succeed(cloud(web()))
    before = world.host().workloads["web"]
    world.accidents.edit(f"{CLOUD}_web", "run.sh")
    assert world.remaining(cloud(web())) == [
        f"write:{WEB}, run.sh edited by hand",
        f"restart:{WEB}, run.sh edited by hand",
    ]
    world.succeed(cloud(web()))
    after = world.host().workloads["web"]
    assert after.started_at > before.started_at
    assert after.files_digest == before.files_digest


def test_failed_start_names_the_container_and_its_last_words(world: World) -> None:
    run = world.apply(cloud(web(BREAK)))
    failure = run.failed[f"start:{WEB}"]
    assert f"{CLOUD}_web" in failure.message
    assert "Access denied for user web" in failure.log
    assert failure.host == "here"
    assert not run.ok
    assert [event.state for event in world.events if event.id == f"start:{WEB}"] == ["started", "failed"]


def test_failure_keeps_consumers_from_starting_and_the_next_apply_goes_on(world: World) -> None:
    broken = cloud(load(BREAK), web(needs=(LOAD,)))
    run = world.apply(broken)
    assert list(run.failed) == [f"run:{LOAD}"]
    assert f"start:{WEB}" in run.skipped
    assert world.host().workloads == {}
    assert world.host().jobs == {}
    resumed = world.succeed(ALL)
    assert {f"run:{LOAD}", f"start:{WEB}"} <= set(resumed)
    assert f"volume:{VOLUME}@here" not in resumed


def test_start_that_failed_is_tried_again_until_it_serves(world: World) -> None:
    world.apply(cloud(web(BREAK)))
    again = world.apply(cloud(web(BREAK)))
    assert len(again.failed) == 1
    world.succeed(cloud(web()))


def test_stopped_container_that_does_not_come_up_is_tried_again(world: World) -> None:
    world.succeed(cloud(web()))
    broken = cloud(web(BREAK))
    assert list(world.apply(broken).failed) == [f"restart:{WEB}"]
    assert world.remaining(broken) != []
    assert set(world.succeed(cloud(web()))) & {f"start:{WEB}", f"restart:{WEB}"}


def test_once_is_once(world: World) -> None:
    world.succeed(cloud(load()))
    assert world.succeed(cloud(load("echo other\n", run="load --more"))) == []


def test_changed_runs_after_a_change(world: World) -> None:
    world.succeed(cloud(load(when="changed")))
    assert world.succeed(cloud(load(when="changed"))) == []
    assert world.succeed(cloud(load("echo other\n", when="changed"))) == [f"run:{LOAD}", f"write:{LOAD}"]


def test_once_is_once_per_volume(world: World) -> None:
    world.succeed(cloud(load()))
    world.succeed(cloud(volumes=False), Goal(allow_data_loss=True))
    assert world.host().volumes == {}
    assert f"run:{LOAD}" in world.succeed(cloud(load()))


def test_removal_keeps_the_volume(world: World) -> None:
    world.succeed(ALL)
    assert world.succeed(cloud(volumes=False)) == [f"remove:{WEB}"]
    assert (world.host().workloads, set(world.host().volumes)) == ({}, {VOLUME})
    assert not any(world.host().files.values())


def test_removal_takes_the_volume_when_loss_is_allowed(world: World) -> None:
    world.succeed(ALL)
    done = world.succeed(cloud(volumes=False), Goal(allow_data_loss=True))
    assert done == [f"remove:volume/{VOLUME}@here", f"remove:{WEB}"]
    assert (world.host().workloads, world.host().volumes) == ({}, {})


def test_run_time_state_goes_with_the_cloud(world: World) -> None:
    passing = replace(ALL, volumes=tuple(replace(volume, keep=False) for volume in ALL.volumes))
    world.succeed(passing)
    assert world.host().disposable_volumes == {VOLUME}
    assert world.succeed(passing, Goal(destroy=True)) == [f"remove:volume/{VOLUME}@here", f"remove:{WEB}"]


def test_effect_of_a_job_that_was_undone_is_told_and_made_again(world: World) -> None:
    wanted = cloud(load(DO_OR_LOOK, check="look"), web(needs=(LOAD,)))
    world.succeed(wanted)
    before = world.host()
    assert world.executor.check("here", wanted, {"a_word": "hidden"}) == {LOAD: ""}
    world.accidents.undo("test/load", "nothing is done")
    assert world.executor.check("here", wanted, {"a_word": "hidden"}) == {LOAD: "nothing is done"}
    assert world.host().workloads == before.workloads
    assert set(world.host().files) == set(before.files)
    assert f"run:{LOAD}, its effect was changed by hand: nothing is done" in world.remaining(wanted)
    assert world.succeed(wanted) == [f"run:{LOAD}", f"write:{LOAD}"]
    assert world.executor.check("here", wanted, {"a_word": "hidden"}) == {LOAD: ""}


def test_job_that_never_ran_has_no_effect_to_look_at(world: World) -> None:
    assert world.executor.check("here", cloud(load(DO_OR_LOOK, check="look")), {}) == {}


def test_logs_and_commands(world: World) -> None:
    world.succeed(cloud(web("echo hello\n" + SERVE)))
    assert list(world.executor.logs("here", f"{CLOUD}_web", 10, False))
    code, _ = world.executor.exec("here", f"{CLOUD}_web", ("cat", "/ready"), 10)
    assert code == 0


def test_container_made_anew_by_somebody_is_replaced(world: World) -> None:
    world.succeed(ALL)
    world.accidents.remake("web")
    strange = world.host().workloads["web"].container_id
    assert world.remaining(ALL) == [f"replace:{WEB}, made anew by somebody else"]
    world.succeed(ALL)
    assert world.host().workloads["web"].container_id != strange


def test_host_keeps_a_copy_of_the_state(world: World) -> None:
    assert world.executor.kept("here") is None
    world.executor.keep("here", b"first")
    world.executor.keep("here", b"\x00second\xff")
    assert world.executor.kept("here") == b"\x00second\xff"


def test_copy_stays_while_volumes_stay_and_goes_with_them(world: World) -> None:
    world.succeed(ALL)
    world.executor.keep("here", b"state")
    world.succeed(ALL, Goal(destroy=True))
    world.executor.cleanup("here")
    assert world.executor.kept("here") == b"state"
    world.succeed(ALL, Goal(destroy=True, allow_data_loss=True))
    world.executor.cleanup("here")
    assert world.executor.kept("here") is None


def test_image_goes_unless_a_container_uses_it(world: World) -> None:
    world.succeed(cloud(web()))
    unused = f"{IMAGES[1]}-unused"
    world.images.make(unused)
    asked = world.executor.collect("here", [IMAGES[0], unused], remove=False)
    assert (set(asked.sizes), asked.in_use) == ({unused}, (IMAGES[0],))
    assert unused in world.host().images
    world.executor.collect("here", [IMAGES[0], unused], remove=True)
    assert unused not in world.host().images
    assert IMAGES[0] in world.host().images
    assert world.executor.collect("here", [unused], remove=True).sizes == {}
