"""History on disk: the lock, the journal of a run, generations, and what a crash leaves."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mastic.errors import HostError
from mastic.execute.fake import FakeExecutor
from mastic.history.history import History, Record
from mastic.model.plan import Plan
from mastic.model.run import Event, Run
from tests.plan.clouds import database_and_api, feed_of, perform, plan_for, values

DESIRED = database_and_api()
PLAN = plan_for(DESIRED, FakeExecutor(DESIRED.hosts))


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def begun(history: History, command: str = "apply") -> Record:
    with history.lock(command):
        return history.begin(DESIRED, PLAN)


def committed(history: History, command: str = "apply") -> int | None:
    record = begun(history, command)
    return history.commit(replace(record, run=perform(PLAN, DESIRED, FakeExecutor(DESIRED.hosts))))


def test_second_command_is_told_who_is_at_work(history: History) -> None:
    with history.lock("apply"), pytest.raises(HostError) as refused, History(history.folder).lock("destroy"):
        pass
    message = refused.value.problems[0].message
    assert message.startswith("`mastic apply` is at work on this cloud since 20")
    assert f"process {os.getpid()}" in message


def test_lock_is_free_again_after_an_error(history: History) -> None:
    with pytest.raises(ZeroDivisionError), history.lock("apply"):
        raise ZeroDivisionError
    with history.lock("apply") as before:
        assert before is None


def test_lock_of_a_dead_process_is_taken_over(history: History) -> None:
    code = (
        "import os, sys; from pathlib import Path; from mastic.history.history import History\n"
        "with History(Path(sys.argv[1])).lock('apply'): os._exit(9)"
    )
    dead = subprocess.Popen([sys.executable, "-c", code, str(history.folder)])
    assert dead.wait() == 9
    with history.lock("apply") as before:
        assert before is not None
        assert (before.pid, before.command) == (dead.pid, "apply")


def hold(folder: Path, ready: multiprocessing.synchronize.Event, leave: multiprocessing.synchronize.Event) -> None:
    with History(folder).lock("apply"):
        ready.set()
        leave.wait(30)


def test_lock_holds_between_processes(history: History) -> None:
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    other = context.Process(target=hold, args=(history.folder, ready, leave))
    other.start()
    try:
        assert ready.wait(30)
        with pytest.raises(HostError, match=f"process {other.pid}"), history.lock("apply"):
            pass
    finally:
        leave.set()
        other.join()
    with history.lock("apply"):
        pass


def test_generations_count_up(history: History) -> None:
    assert [committed(history), committed(history)] == [1, 2]
    assert history.generations() == (1, 2)
    stands = history.generation(2)
    assert stands["images"] == DESIRED.images
    assert set(stands["workloads"]) == {workload.id for workload in DESIRED.workloads}
    assert stands["secret_versions"] == {"database_password": 1}


def test_empty_plan_makes_no_generation(history: History) -> None:
    with history.lock("apply"):
        assert history.commit(history.begin(DESIRED, Plan("lab"))) is None
    assert history.generations() == ()
    assert history.unfinished() is None


def test_destroyed_cloud_is_a_generation_in_which_nothing_stands(history: History) -> None:
    committed(history)
    committed(history, "destroy")
    assert history.generation(2)["command"] == "destroy"
    assert "workloads" not in history.generation(2)


def test_failed_run_cannot_be_committed(history: History) -> None:
    record = begun(history)
    failed = Event("step", "start:mariadb@lab", "failed")
    with pytest.raises(ValueError, match="did not go well"):
        history.commit(replace(record, run=Run(record.id, failed={failed.id: failed})))


def test_unfinished_run_says_what_ran_and_what_did_not(history: History) -> None:
    record = begun(history)
    executor = FakeExecutor(DESIRED.hosts)
    executor.fail["run:glance/db_sync@lab"] = "no such table"
    executor.perform(PLAN, DESIRED, values(DESIRED), feed_of(DESIRED), lambda event: history.event(record, event))
    left = History(history.folder).unfinished()
    assert left is not None
    assert (left.id, left.command) == (record.id, "apply")
    assert "start:mariadb@lab" in left.done
    assert left.failed == {"run:glance/db_sync@lab": "glance_db_sync on `lab`: no such table"}
    assert "start:glance@lab" in left.open
    assert {*left.done, *left.failed, *left.open} == {step.id for step in PLAN.steps}


def test_line_cut_off_by_a_crash_does_not_count(history: History) -> None:
    record = begun(history)
    history.event(record, Event("step", "write:mariadb@lab", "done"))
    with (record.folder / "events.jsonl").open("a") as file:
        file.write('{"kind": "step", "id": "start:mari')
    left = history.unfinished()
    assert left is not None
    assert left.done == ("write:mariadb@lab",)


def test_finished_run_hides_an_earlier_unfinished_one(history: History) -> None:
    begun(history)
    committed(history)
    assert history.unfinished() is None


def test_no_secret_value_reaches_the_disk(history: History) -> None:
    committed(history)
    texts = [path.read_text() for path in history.folder.rglob("*") if path.is_file()]
    assert not any("VALUE-OF-" in text for text in texts)
    assert any("galera.cnf" in text for text in texts)


def test_nobody_else_may_read(history: History) -> None:
    committed(history)
    assert history.folder.stat().st_mode & 0o777 == 0o700
    json.loads((history.folder / "generations" / "0001.json").read_text())
