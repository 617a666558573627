"""History on disk: the lock, the journal of a run, generations, and what a crash leaves."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mastic.errors import HostError, InputError
from mastic.execute.fake import FakeExecutor
from mastic.history.collection import surplus
from mastic.history.history import History, previous
from mastic.model.generation import Head, Intent, Record
from mastic.model.goal import Goal
from mastic.model.run import Event, Run
from mastic.plan.reconcile import reconcile
from mastic.plan.saved import wanted_digests
from tests.plan.clouds import database_and_api, feed_of, perform, plan_for, values

DESIRED = database_and_api()
PLAN = plan_for(DESIRED, FakeExecutor(DESIRED.hosts))


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def begun(history: History, command: str = "apply") -> Record:
    with history.lock(command):
        return history.begin(Intent(command, DESIRED, by="ann@desk", cloud_file="cloud: lab\n", recipes="[]"), PLAN)


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
    head = history.head(2)
    assert (head.number, head.parent, head.command, head.by, head.steps) == (2, 1, "apply", "ann@desk", len(PLAN.steps))
    assert head.services == ("glance", "haproxy", "mariadb")


def test_a_generation_holds_all_that_was_wanted(history: History) -> None:
    committed(history)
    found = History(history.folder).generation(1)
    assert found.desired == DESIRED
    assert wanted_digests(found.desired) == wanted_digests(DESIRED)
    assert (found.intent.cloud_file, found.intent.recipes) == ("cloud: lab\n", "[]")
    assert reconcile(found.desired, FakeExecutor(DESIRED.hosts).observe(DESIRED.hosts), Goal()) == PLAN


def test_recipes_are_kept_once(history: History) -> None:
    committed(history)
    committed(history)
    assert len(list((history.folder / "recipes").iterdir())) == 1


def test_what_the_checks_said_is_noted(history: History) -> None:
    committed(history)
    assert history.head(1).result == "applied"
    history.judge(1, "verified")
    assert history.head(1).result == "verified"


def test_generation_that_is_not_there_is_told_with_those_that_are(history: History) -> None:
    committed(history)
    with pytest.raises(InputError, match="generations there: 1"):
        history.generation(7)


def test_broken_part_of_the_history_is_told(history: History) -> None:
    committed(history)
    path = history.folder / "generations" / "0001.intent.json.gz"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="cannot be read"):
        history.generation(1)


def test_generation_of_an_earlier_version_is_no_obstacle(history: History) -> None:
    committed(history)
    (history.folder / "generations" / "0001.intent.json.gz").unlink()
    assert history.latest() is None
    assert committed(history) == 2
    assert surplus(history, 2).needed_secrets == {"database_password": {1}}
    with pytest.raises(InputError, match="is not there"):
        history.generation(1)


def test_run_killed_after_its_generation_was_written_is_finished(history: History) -> None:
    committed(history)
    (history.folder / "runs" / history.runs()[-1] / "committed").unlink()
    assert history.unfinished() is None


def test_forgotten_generations_leave_nothing_behind(history: History) -> None:
    for _ in range(3):
        committed(history)
    gone = surplus(history, 1)
    assert gone.generations == (1, 2) and len(gone.runs) == 2
    assert gone.needed_secrets == {"database_password": {1}}
    history.forget(gone.generations, gone.runs)
    assert (history.generations(), len(history.runs())) == ((3,), 1)
    assert history.generation(3).intent.recipes == "[]"
    assert {path.name[:4] for path in (history.folder / "generations").iterdir()} == {"0003"}


def test_the_generation_that_stands_is_never_surplus(history: History) -> None:
    committed(history)
    committed(history, "destroy")
    assert surplus(history, 1).generations == ()


@pytest.mark.parametrize(
    ("results", "is_broken", "wanted"),
    [(["verified"], False, None), (["verified", "verified"], False, 1), (["verified", "verified"], True, 2),
     (["verified", "checks failed", "verified"], False, 1), (["verified", "checks failed"], True, 1)],
)  # fmt: skip
def test_where_a_rollback_goes(results: list[Any], is_broken: bool, wanted: int | None) -> None:
    heads = [Head(number, "run", "", "apply", result=result) for number, result in enumerate(results, 1)]
    found = previous(heads, is_broken)
    assert (found and found.number) == wanted


def test_lock_is_taken_over_by_its_id_only(history: History) -> None:
    with history.lock("apply"):
        with pytest.raises(HostError) as refused, History(history.folder).lock("destroy"):
            pass
        hint = refused.value.problems[0].hint or ""
        id = hint.partition("mastic unlock ")[2].partition("`")[0]
        with pytest.raises(InputError, match=f"held under the id `{id}`"):
            history.unlock("guess")
        record = history.begin(Intent("apply", DESIRED), PLAN)
        assert history.unlock(id).command == "apply"
        with History(history.folder).lock("resume"):
            with pytest.raises(HostError, match="was taken from this command"):
                history.event(record, Event("step", PLAN.steps[0].id, "done"))
            with pytest.raises(HostError), History(history.folder).lock("apply"):
                pass


def test_destroyed_cloud_is_a_generation_in_which_nothing_stands(history: History) -> None:
    committed(history)
    committed(history, "destroy")
    assert [head.stands for head in history.heads()] == [True, False]


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
    with (history.folder / "runs" / record.id / "events.jsonl").open("a") as file:
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
    files = [path for path in history.folder.rglob("*") if path.is_file()]
    texts = [gzip.decompress(p.read_bytes()).decode() if p.suffix == ".gz" else p.read_text() for p in files]
    assert not any("VALUE-OF-" in text for text in texts)
    assert any("galera.cnf" in text for text in texts)


def test_nobody_else_may_read(history: History) -> None:
    committed(history)
    assert history.folder.stat().st_mode & 0o777 == 0o700
    json.loads((history.folder / "generations" / "0001.json").read_text())
