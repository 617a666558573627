"""One changed setting touches exactly the file and the container it belongs to."""

from __future__ import annotations

import pytest

from tests.e2e.engine import restarted, start_times
from tests.e2e.lab import Lab

pytestmark = pytest.mark.cloud


def test_one_changed_setting_replaces_one_container(definition: Lab) -> None:
    before, original = start_times(definition.name), definition.definition()
    definition.write({**original, "settings": {**original.get("settings", {}), "glance": {"debug": True}}})

    finished = definition.mastic("plan", "--check", "--json")
    steps = {step["id"]: step["cause"] for step in finished.one("plan")["steps"]}
    assert finished.exit_code == 2
    verbs = [name.partition(":")[0] for name in steps]
    assert verbs == ["write", "start", "bind", "remove"]
    assert all("glance-api" in name for name in steps)
    assert "glance-api.conf" in steps["start:glance-api@laptop"]
    shown = definition.mastic("plan", "--steps").succeeded().out
    assert "glance-api.conf" in shown

    definition.mastic("apply", "--yes", "--no-verify").succeeded()
    assert restarted(before, start_times(definition.name)) == {"glance_api"}
    assert definition.mastic("plan", "--check", "--json").exit_code == 0

    definition.write(original)
    definition.mastic("apply", "--yes", "--no-verify").succeeded()
    assert definition.mastic("plan", "--check", "--json").exit_code == 0
