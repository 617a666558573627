"""The texts people read, against tests/golden; `MASTIC_ACCEPT=1 pytest tests/report tests/cli` accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from mastic.errors import InputError
from mastic.model.plan import Plan
from mastic.model.run import Event
from mastic.report.explain_text import explained, explained_text, file_text, found_files
from mastic.report.plan_text import counts, plan_text, steps_text
from mastic.report.progress import Progress
from mastic.report.status_text import status_rows, status_text
from mastic.report.summary import Commands, summary_text
from tests.golden.compare import assert_golden
from tests.report.samples import CHANGE, DESIRED, FIRST, OBSERVED


@pytest.mark.parametrize(("name", "plan"), [("first", FIRST), ("change", CHANGE), ("empty", Plan("lab"))])
def test_plan_text(name: str, plan: Plan) -> None:
    assert_golden(f"plan-{name}", plan_text(plan))
    assert_golden(f"plan-{name}-steps", steps_text(plan))


def test_every_step_is_told_in_the_overview_or_carried_by_one_that_is() -> None:
    text = plan_text(FIRST)
    for word in ("bring 2 images", "create volume mariadb", "start mariadb", "run db_sync", "start glance-api"):
        assert word in text
    assert sum(counts(FIRST).values()) == len(FIRST.steps)


def test_every_deletion_of_data_is_named() -> None:
    assert "DELETES DATA: mariadb on `ctl3` (host left group `database`)" in plan_text(CHANGE)
    assert "DELETES DATA: mariadb on `ctl3` (host left group `database`)" in steps_text(CHANGE)


def test_a_write_with_a_cause_of_its_own_is_shown() -> None:
    lonely = Plan("lab", tuple(step for step in CHANGE.steps if step.verb == "write"))
    assert "write files of glance-api on ctl1, ctl2" in plan_text(lonely)


def test_summary_text() -> None:
    progress = Progress()
    progress.expect(FIRST, DESIRED)
    progress.note(Event("step", "start:mariadb@lab", "done", 1.0), 5.0)
    progress.note(Event("check", "keystone/token", "done", 0.3), 6.0)
    progress.note(Event("phase", "build and apply", "done", 125.0), 6.0)
    assert_golden("summary", summary_text(progress, DESIRED, Path("/var/lib/mastic/lab"), Commands()))


def test_status_text() -> None:
    assert_golden("status", status_text(status_rows(DESIRED, OBSERVED)))


def test_explain_setting_and_file() -> None:
    assert_golden("explain-setting", explained_text(explained(DESIRED, "glance.workers")))
    assert_golden("explain-file", file_text(found_files(DESIRED, "glance-api:glance-api.conf")[0]))


@pytest.mark.parametrize("subject", ["glance.wrokers", "glance"])
def test_explain_of_an_unknown_setting_says_what_may_be_meant(subject: str) -> None:
    with pytest.raises(InputError, match=r"did you mean `glance\.workers`"):
        explained(DESIRED, subject)


def test_explain_of_an_unknown_file_says_what_may_be_meant() -> None:
    with pytest.raises(InputError, match=r"did you mean `glance-api:glance-api\.conf`"):
        found_files(DESIRED, "glance-api:glance.conf")
