"""JsonReport: every line is one JSON object that says its sort."""

from __future__ import annotations

import io
import json
from typing import Any

from mastic.errors import Place, Problem
from mastic.model.run import Event
from mastic.report.json_lines import JsonReport
from mastic.report.plain import Streams
from tests.report.samples import DESIRED, FIRST


def lines(report: JsonReport) -> list[dict[str, Any]]:
    assert isinstance(report.streams.out, io.StringIO)
    return [json.loads(line) for line in report.streams.out.getvalue().splitlines()]


def test_everything_is_a_line() -> None:
    report = JsonReport(Streams(io.StringIO(), io.StringIO()))
    report.plan(FIRST, DESIRED)
    report.event(Event("step", "start:mariadb@lab", "done", 2.4))
    report.problems([Problem("wrong", Place("cloud.yml", 3), "right it")])
    report.data({"answer": 42})
    plan, event, problems, result = lines(report)
    assert [step["id"] for step in plan["steps"]] == [step.id for step in FIRST.steps]
    assert plan["counts"] == {"pull": 2, "run": 1, "start": 2, "volume": 1, "write": 3}
    assert (event["type"], event["id"], event["seconds"]) == ("event", "start:mariadb@lab", 2.4)
    assert problems["problems"] == [{"message": "wrong", "where": "cloud.yml", "line": 3, "hint": "right it"}]
    assert result == {"type": "result", "result": {"answer": 42}}


def test_an_answering_command_writes_one_line() -> None:
    report = JsonReport(Streams(io.StringIO(), io.StringIO()), events=False)
    report.event(Event("phase", "plan", "started"))
    report.say("hello")
    report.data([1])
    assert lines(report) == [{"type": "result", "result": [1]}]
