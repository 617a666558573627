"""The graph of a program: needs, parallel steps, failures, being told to stop."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from mastic.agent.docker import Docker
from mastic.agent.journal import Journal
from mastic.agent.notices import Answers, Notices
from mastic.agent.observe import Site
from mastic.agent.perform import Performance
from mastic.agent.records import Records
from mastic.agent.verbs import Work, seconds_of

Program = dict[str, Any]


def holder(name: str, content: str = "x") -> dict[str, Any]:
    return {"container": name, "files": [{"name": "a", "content": content, "digest": content, "secrets": []}]}


def program(steps: dict[str, list[str]], **workloads: dict[str, Any]) -> Program:
    """Steps `write:<name>@h` by name → names of the steps they need."""
    return {
        "cloud": "lab",
        "secrets": {},
        "jobs": {},
        "volumes": {},
        "workloads": {f"{name}@h": workloads.get(name, holder(name)) for name in steps},
        "steps": [
            {"id": name, "verb": "write", "resource": f"{name}@h", "needs": needs} for name, needs in steps.items()
        ],
    }


class Stage:
    """A performance on a folder of the test; no container engine answers."""

    def __init__(self, folder: Path, wanted: Program) -> None:
        self.site = Site("lab", folder / "config", Records(folder / "agent"))
        self.site.records.folder.mkdir(exist_ok=True)
        self.said: list[dict[str, Any]] = []
        self.notices = Notices(lambda: ended.put(None))
        ended: SimpleQueue[Any] = SimpleQueue()
        work = Work(Docker(str(folder / "no.sock")), wanted, self.site, self.notices)
        self.journal = self.site.records.folder / "journal.jsonl"
        self.performance = Performance(work, Journal(self.journal), self.said.append, ended)

    def run(self) -> dict[str, Any]:
        result = self.performance.run()
        self.performance.journal.close()
        return result

    def states(self) -> list[tuple[str, str]]:
        return [(event["id"], event["state"]) for event in self.said]


def test_steps_run_after_their_needs(tmp_path: Path) -> None:
    stage = Stage(tmp_path, program({"c": ["b"], "b": ["a"], "a": []}))
    result = stage.run()
    assert list(result["done"]) == ["a", "b", "c"]
    assert stage.states() == [(name, state) for name in "abc" for state in ("started", "done")]
    assert (tmp_path / "config/c/a").read_text() == "x"


def test_the_journal_tells_before_and_after(tmp_path: Path) -> None:
    stage = Stage(tmp_path, program({"a": []}))
    stage.run()
    lines = [json.loads(line) for line in stage.journal.read_text().splitlines()]
    assert [(line["step"], line["state"]) for line in lines] == [("a", "started"), ("a", "done")]


def test_after_a_failure_nothing_new_starts(tmp_path: Path) -> None:
    stage = Stage(tmp_path, program({"bad": [], "after": ["bad"]}, bad=holder("bad", "@@secret:nowhere@@")))
    result = stage.run()
    assert (result["done"], result["failed"], result["skipped"]) == ({}, ["bad"], ["after"])
    failure = next(event for event in stage.said if event["state"] == "failed")
    assert failure["message"] == "the program does not carry the secret `nowhere`"


def test_what_runs_comes_to_its_end_after_a_failure(tmp_path: Path) -> None:
    wanted = program({"bad": [], "good": []}, bad=holder("bad", "@@secret:nowhere@@"))
    stage = Stage(tmp_path, wanted)
    assert len(stage.run()["failed"]) == 1
    assert ("good", "started") not in stage.states() or ("good", "done") in stage.states()


def test_a_bug_is_told_with_its_place(tmp_path: Path) -> None:
    wanted = program({"a": []})
    wanted["steps"][0]["verb"] = "dance"
    stage = Stage(tmp_path, wanted)
    assert stage.run()["failed"] == ["a"]
    assert "bug in the agent: KeyError: 'dance'" in stage.said[-1]["message"]
    assert any("perform.py" in line for line in stage.said[-1]["log"])


def test_an_engine_that_does_not_answer_is_named(tmp_path: Path) -> None:
    wanted = program({})
    wanted["steps"] = [{"id": "p", "verb": "pull", "resource": "mastic/a:1@h", "needs": []}]
    stage = Stage(tmp_path, wanted)
    stage.run()
    assert stage.said[-1]["message"] == f"no container engine answers: `{tmp_path}/no.sock` does not exist"


def test_told_to_stop_nothing_starts(tmp_path: Path) -> None:
    stage = Stage(tmp_path, program({"a": [], "b": ["a"]}))
    stage.notices.stop()
    stage.performance.stopping = True
    assert stage.run()["skipped"] == ["a", "b"]


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (['{"image": "mastic/a:1", "state": "ready"}\n'], "ready"),
        (['{"image": "mastic/a:1", "state": "failed", "why": "no space"}\n'], "failed"),
        (['{"image": "mastic/b:1", "state": "ready"}\n', "\n"], "unknown"),
        (['{"stop": true}\n'], "stopped"),
        ([], "unknown"),
    ],
)
def test_waiting_for_an_image_always_ends(lines: list[str], state: str) -> None:
    notices = Notices(lambda: None)
    thread = threading.Thread(target=notices.listen, args=(lines,))
    thread.start()
    assert notices.image("mastic/a:1")["state"] == state
    thread.join()


class Closed(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_when_nobody_listens_the_run_is_told_to_stop_once() -> None:
    told: list[str] = []
    answers = Answers(Closed(), lambda: told.append("deaf"))
    answers.say({"a": 1})
    answers.say({"a": 2})
    assert told == ["deaf"]


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [("", 0.0), ("1970-01-01T00:00:10Z", 10.0), ("1970-01-01T00:00:10.250000000Z", 10.25)],
)
def test_seconds_of(moment: str, seconds: float) -> None:
    assert seconds_of(moment) == seconds
