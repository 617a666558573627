"""Which checks are made of which cloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mastic.errors import VerifyError
from mastic.model.desired import PlacedCheck
from mastic.model.observed import Observed
from mastic.verify.verify import verify
from tests.verify.http_cloud import http_cloud
from tests.verify.test_clouds_yaml import CLIENT
from tests.verify.test_http_checks import OneContainer
from tests.verify.test_probe import Told
from tests.verify.test_workloads import DESIRED, RUNNING, observed

CHECK = PlacedCheck("answers", "web", "the page is there")


class OneHost(OneContainer):
    """An executor that always sees the same."""

    def __init__(self, seen: Observed) -> None:
        self.seen = seen

    def observe(self, hosts: Sequence[str]) -> Observed:
        return self.seen


def test_cloud_in_which_nobody_logs_in_is_verified_without_api_and_guest(tmp_path: Path) -> None:
    told = Told()
    with http_cloud() as server:
        desired = replace(DESIRED, checks=(replace(CHECK, http=f"{server.url}/200"),))
        summary = verify(desired, tmp_path, OneHost(observed(RUNNING)), told, boot=True)
    assert [check.name for check in summary.checks] == ["workloads", "web/answers"]
    assert summary.guest is None
    (skipped,) = [event for event in told.events if event.state == "skipped"]
    assert (skipped.id, skipped.message) == ("guest", "no service of this cloud lets users log in")


def test_every_failure_is_raised_and_no_guest_is_tried_on_an_unwell_cloud(tmp_path: Path) -> None:
    told = Told()
    (tmp_path / "clouds.yaml").write_text("clouds: {}", encoding="utf-8")
    desired = replace(DESIRED, client=CLIENT, checks=(replace(CHECK, host="lab1", container="web_api", run="x"),))
    with pytest.raises(VerifyError) as raised:
        verify(desired, tmp_path, OneHost(observed()), told, boot=True)
    said = [problem.message.splitlines()[0] for problem in raised.value.problems]
    assert said[0] == "`web-api` has no container"
    assert said[1].startswith("endpoints: Cloud mastic was not found")
    assert "`x` exited with 7" in said[2]
    assert [event.message for event in told.events if event.state == "skipped"] == ["needs every workload and API"]
