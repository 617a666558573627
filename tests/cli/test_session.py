"""Approval and interruption."""

from __future__ import annotations

import io

import pytest

from mastic.cli.logs import chosen, following, present
from mastic.cli.session import approval, interrupted_text, interruptible
from mastic.errors import HostError, InputError, Problem
from mastic.model.run import Event
from mastic.report.plain import PlainReport, Streams
from mastic.report.progress import Progress
from tests.report.samples import DESIRED, FIRST, OBSERVED


def plain() -> PlainReport:
    return PlainReport(Streams(io.StringIO(), io.StringIO()))


def test_yes_approves() -> None:
    assert approval(plain(), yes=True)(FIRST)


def test_without_a_terminal_a_plan_is_refused_with_a_hint() -> None:
    with pytest.raises(InputError, match="run again with `--yes`"):
        approval(plain(), yes=False)(FIRST)


def test_an_interruption_says_what_ran() -> None:
    progress = Progress()
    progress.expect(FIRST, DESIRED)
    progress.note(Event("step", "start:mariadb@lab", "done", 1.0), 1.0)
    progress.note(Event("step", "run:glance/db_sync@lab", "started"), 1.0)
    assert interrupted_text(progress).startswith(
        "interrupted: 1 of 9 steps done, under way: run:glance/db_sync@lab\n  hint: "
    )


def test_an_interruption_passes_on() -> None:
    report = plain()
    with pytest.raises(KeyboardInterrupt), interruptible(report):
        raise KeyboardInterrupt
    assert isinstance(report.streams.err, io.StringIO)
    assert "interrupted: nothing was changed" in report.streams.err.getvalue()


def test_logs_of_a_service_and_of_a_workload() -> None:
    assert [workload.id for workload in chosen(DESIRED, "nova", None)] == ["nova-compute@far"]
    assert [workload.id for workload in chosen(DESIRED, "glance-api", "lab")] == ["glance-api@lab"]


@pytest.mark.parametrize(
    ("name", "host", "hint"), [("glanse-api", None, "did you mean `glance-api`"), ("nova", "lab", "it runs on `far`")]
)
def test_logs_of_something_unknown(name: str, host: str | None, hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        chosen(DESIRED, name, host)


def test_logs_leave_out_what_has_no_container() -> None:
    assert [workload.id for workload in present(list(DESIRED.workloads), OBSERVED)] == [
        "glance-api@lab",
        "keystone@lab",
        "mariadb@lab",
    ]
    with pytest.raises(InputError, match="`rabbitmq` has no container"):
        present(chosen(DESIRED, "rabbitmq", None), OBSERVED)


def test_following_brings_the_lines_of_all_and_ends() -> None:
    lines = following(lambda host, container, lines, follow: iter([container]), DESIRED.workloads, 5)
    assert sorted(line for _, line in lines) == sorted(workload.container for workload in DESIRED.workloads)


def test_following_raises_what_a_log_ends_with() -> None:
    def broken(host: str, container: str, lines: int, follow: bool) -> io.StringIO:
        raise HostError(Problem("no answer"))

    with pytest.raises(HostError, match="no answer"):
        list(following(broken, DESIRED.workloads[:1], 5))
