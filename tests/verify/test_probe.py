"""Probes: all run, each is told, expected failures become problems and bugs go through."""

from __future__ import annotations

import pytest

from mastic.errors import Problem, VerifyError
from mastic.model.run import Event
from mastic.verify.probe import Probe, headline, run_probes
from mastic.verify.wait import wait_until


class Told:
    """Keeps the events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def event(self, event: Event) -> None:
        self.events.append(event)


def fails_with(error: Exception) -> Probe:
    def run() -> str:
        raise error

    return Probe("broken", run)


def test_every_probe_runs_and_is_told_although_one_fails() -> None:
    told = Told()
    problem = Problem("it is away", hint="look")
    bad, good = run_probes([fails_with(VerifyError(problem)), Probe("fine", lambda: "3 endpoints")], told)
    assert bad.problems == (problem,)
    assert (good.message, good.problems) == ("3 endpoints", ())
    assert {(event.id, event.state) for event in told.events} == {
        ("broken", "started"),
        ("broken", "failed"),
        ("fine", "started"),
        ("fine", "done"),
    }
    failed = next(event for event in told.events if event.state == "failed")
    assert failed.message == "it is away"


def test_headline_counts_what_it_leaves_out() -> None:
    problems = [Problem("first\n    | log"), Problem("second"), Problem("third")]
    assert headline(problems) == "first (and 2 more)"
    assert headline(problems[:1]) == "first"


def test_expected_error_becomes_a_problem_that_names_the_probe() -> None:
    (outcome,) = run_probes([fails_with(ConnectionRefusedError("refused"))], Told())
    assert outcome.problems[0].message == "broken: refused"


def test_error_in_mastic_itself_goes_through() -> None:
    with pytest.raises(KeyError):
        run_probes([fails_with(KeyError("bug"))], Told())


def test_wait_until_returns_what_was_seen_and_names_what_never_came() -> None:
    seen = iter([None, None, "here"])
    assert wait_until("it", lambda: next(seen), seconds=5, every=0) == "here"
    with pytest.raises(TimeoutError, match="waited 0 s for `web` to answer"):
        wait_until("`web` to answer", lambda: None, seconds=0)
