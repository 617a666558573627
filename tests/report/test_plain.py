"""PlainReport: a line per finished step, never silent for ten seconds while something runs."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from threading import Thread

from mastic.errors import Place, Problem
from mastic.model.run import Event
from mastic.report.live import LiveReport
from mastic.report.plain import PlainReport, Streams
from tests.report.samples import DESIRED, FIRST


@dataclass
class Clock:
    """A clock that goes only when told."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def plain(clock: Clock) -> PlainReport:
    return PlainReport(Streams(io.StringIO(), io.StringIO()), clock=clock)


def talk(report: PlainReport) -> str:
    assert isinstance(report.streams.err, io.StringIO)
    return report.streams.err.getvalue()


def test_a_finished_step_gets_a_line_with_count_and_time() -> None:
    report = plain(clock := Clock())
    report.plan(FIRST, DESIRED)
    report.event(Event("step", "start:mariadb@lab", "started"))
    clock.now += 2.5
    report.event(Event("step", "start:mariadb@lab", "done", 2.4))
    assert talk(report).endswith("    2.5 s  [1/9] done start:mariadb@lab in 2.4 s\n")


def test_silence_while_something_runs_is_broken_within_ten_seconds() -> None:
    report = plain(clock := Clock())
    report.event(Event("step", "pull:mastic/x:1@lab", "started"))
    report.event(Event("image", "glance-api", "started"))
    silent = len(talk(report))
    for _ in range(9):
        clock.now += 1
        report.tick()
    line = talk(report)[silent:]
    assert "still running: image glance-api (8 s), pull:mastic/x:1@lab (8 s)" in line
    assert line.count("still running") == 1


def test_nothing_is_said_when_nothing_runs() -> None:
    report = plain(clock := Clock())
    clock.now += 60
    report.tick()
    assert talk(report) == ""


def test_many_running_things_are_counted() -> None:
    report = plain(clock := Clock())
    for number in range(9):
        report.event(Event("image", f"image-{number}", "started"))
    clock.now += 8
    report.tick()
    assert "and 5 more" in talk(report)


def test_a_failure_brings_its_last_log_lines() -> None:
    report = plain(Clock())
    event = Event("step", "start:keystone@lab", "failed", 60, "did not become healthy in 60 s", ("Access denied",))
    report.event(event)
    assert "failed start:keystone@lab in 1 min 00 s: did not become healthy in 60 s" in talk(report)
    assert "| Access denied" in talk(report)


def test_problems_have_the_form_of_the_house() -> None:
    report = plain(Clock())
    report.problems([Problem("unknown key `typ`", Place("service.yml", 9), "did you mean `type`?")])
    assert talk(report) == "error: unknown key `typ`\n  at service.yml:9\n  hint: did you mean `type`?\n"


def test_results_and_talk_go_different_ways() -> None:
    report = plain(Clock())
    report.data("result")
    report.say("talk")
    assert isinstance(report.streams.out, io.StringIO)
    assert (report.streams.out.getvalue(), talk(report)) == ("result\n", "talk\n")


def test_a_live_report_takes_events_from_many_threads_and_ends() -> None:
    report = LiveReport(Streams(io.StringIO(), io.StringIO()))

    def work(worker: int) -> None:
        for number in range(50):
            report.event(Event("step", f"start:{worker}-{number}@lab", "started"))
            report.event(Event("step", f"start:{worker}-{number}@lab", "done", 0.1))

    with report:
        threads = [Thread(target=work, args=(worker,), daemon=True) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
    assert len(re.findall(r"done start:", talk(report))) == 200
