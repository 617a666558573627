"""Right after an apply there is nothing to plan, and applying again restarts nothing."""

from __future__ import annotations

import pytest

from tests.e2e.engine import restarted, start_times
from tests.e2e.lab import Lab

pytestmark = pytest.mark.cloud


def test_plan_is_empty(cloud: Lab) -> None:
    finished = cloud.mastic("plan", "--check", "--json")
    print(f"mastic plan with nothing to do: {finished.seconds:.2f} s")
    assert finished.one("plan")["steps"] == []
    assert finished.exit_code == 0


def test_apply_restarts_nothing(cloud: Lab) -> None:
    before = start_times(cloud.name)
    finished = cloud.mastic("apply", "--yes", "--json").succeeded()
    print(f"mastic apply with nothing to do, guest booted: {finished.seconds:.1f} s")
    assert restarted(before, start_times(cloud.name)) == set()
    assert not [event for event in finished.events if event["kind"] in ("step", "image")]


def test_status_shows_every_workload_running(cloud: Lab) -> None:
    rows = cloud.mastic("status", "--json").succeeded().one("result")["result"]
    assert len(rows) > 15
    assert {(row["state"], row["why_not"]) for row in rows} == {("running", "")}
    assert all(row["since"] not in ("", "-") for row in rows)
