"""A machine without a cloud ends, with one command, with a virtual machine that answered a ping."""

from __future__ import annotations

import pytest

from tests.e2e.engine import containers
from tests.e2e.lab import Finished, Lab

pytestmark = pytest.mark.cloud


def test_apply_ends_with_a_guest_that_answered_a_ping(first_apply: Finished) -> None:
    (guest,) = [event for event in first_apply.events if event["id"] == "guest" and event["state"] == "done"]
    assert "answered a ping" in guest["message"]


def test_every_check_passed_and_none_was_left_out(first_apply: Finished) -> None:
    states = {event["id"]: event["state"] for event in first_apply.events if event["kind"] == "check"}
    assert len(states) > 10
    assert set(states.values()) == {"done"}


def test_success_is_said_after_verification_only(first_apply: Finished) -> None:
    kinds = [line["type"] for line in first_apply.lines]
    assert kinds.index("result") == len(kinds) - 1
    last_phase = [event for event in first_apply.events if event["kind"] == "phase"][-1]
    assert (last_phase["id"], last_phase["state"]) == ("verify", "done")


def test_result_names_time_of_each_part_endpoints_and_credentials(first_apply: Finished, cloud: Lab) -> None:
    result = first_apply.one("result")["result"]
    assert {"plan", "verify"} <= result["phases"].keys()
    assert len(result["endpoints"]) >= 5
    assert result["clouds_yaml"] == str(cloud.clouds_yaml)


def test_verification_leaves_no_container_stopped_and_one_process_group_each(cloud: Lab) -> None:
    states = {name: container["State"]["Status"] for name, container in containers(cloud.name).items()}
    assert len(states) > 15
    assert set(states.values()) == {"running"}
