"""The how-to for a new service works to its end on a real cloud, and leaving the service out removes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.reader import REPOSITORY, copy_of_repository, not_shown, type_in
from tests.docs.shell_blocks import shell_blocks
from tests.e2e.engine import containers, restarted, start_times
from tests.e2e.lab import Lab

pytestmark = pytest.mark.cloud

PAGE = REPOSITORY / "docs/how-to/add-a-service.md"


def test_page_brings_up_a_service_behind_the_load_balancer(cloud: Lab, tmp_path: Path) -> None:
    before = start_times(cloud.name)
    blocks = shell_blocks(PAGE.read_text(encoding="utf-8"))
    folder = copy_of_repository(tmp_path / "repository")
    catalogue = tmp_path / "tmp/my-catalogue"
    try:
        shown = type_in(blocks, folder, {"MASTIC_STATE": str(cloud.state.parent)})
        assert not_shown(blocks, shown) == []
        assert "greeter" in containers(cloud.name)
        assert restarted(before, start_times(cloud.name)) == {"greeter"}
    finally:
        cloud.mastic("apply", "--yes", "--no-verify", catalogue=catalogue).succeeded()
    assert "greeter" not in containers(cloud.name)
    assert cloud.mastic("plan", "--check", "--json").exit_code == 0
