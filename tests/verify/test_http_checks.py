"""Declared checks and the API catalogue, against a real HTTP server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mastic.errors import VerifyError
from mastic.model.desired import PlacedCheck
from mastic.verify.api import check_endpoints, connect
from mastic.verify.clouds_yaml import write_clouds_yaml
from mastic.verify.declared import run_check
from tests.verify.http_cloud import http_cloud
from tests.verify.test_clouds_yaml import CLIENT, KnownSecrets
from tests.verify.test_workloads import DESIRED

CHECK = PlacedCheck("answers", "web", "the page is there")


class OneContainer:
    """An executor whose container knows two commands."""

    def exec(self, host: str, container: str, command: tuple[str, ...], seconds: float) -> tuple[int, str]:
        assert (host, container, command[:2]) == ("lab1", "web_api", ("sh", "-c"))
        return (0, "") if command[2] == "true" else (7, "first line\nlast line")


@pytest.mark.parametrize("status", [200, 204, 399])
def test_status_below_400_passes(status: int, tmp_path: Path) -> None:
    with http_cloud() as server:
        assert run_check(replace(CHECK, http=f"{server.url}/{status}"), OneContainer(), tmp_path) == f"status {status}"


@pytest.mark.parametrize("status", [400, 404, 503])
def test_status_of_an_error_fails_with_check_service_and_url(status: int, tmp_path: Path) -> None:
    with http_cloud() as server, pytest.raises(VerifyError) as raised:
        run_check(replace(CHECK, http=f"{server.url}/{status}"), OneContainer(), tmp_path, settle=0)
    message = raised.value.problems[0].message
    assert message.startswith("check `answers` of web (the page is there): gave")
    assert f"`{status}`" in message


def test_nobody_listening_fails(tmp_path: Path) -> None:
    with http_cloud() as server:
        url = server.url
    with pytest.raises(VerifyError, match="refused"):
        run_check(replace(CHECK, http=url), OneContainer(), tmp_path, settle=0)


def test_command_in_container_passes_with_0_and_shows_its_output_otherwise(tmp_path: Path) -> None:
    check = replace(CHECK, host="lab1", container="web_api", run="true")
    assert run_check(check, OneContainer(), tmp_path) == "exit code 0"
    with pytest.raises(VerifyError) as raised:
        run_check(replace(check, run="false"), OneContainer(), tmp_path)
    assert "`false` exited with 7 in `web_api`" in raised.value.problems[0].message
    assert "| last line" in raised.value.problems[0].message


def test_every_endpoint_of_the_catalogue_is_asked_and_every_silent_one_told(tmp_path: Path) -> None:
    with http_cloud(200, 300, 401, 500, 503) as server:
        write_clouds_yaml(replace(DESIRED, client={**CLIENT, "auth_url": f"{server.url}/v3"}), KnownSecrets(), tmp_path)
        with pytest.raises(VerifyError) as raised:
            check_endpoints(connect(tmp_path / "clouds.yaml").session, settle=0)
        assert [problem.message.split("`")[1] for problem in raised.value.problems] == ["api-500", "api-503"]
        server.statuses = (200, 300, 401)
        assert check_endpoints(connect(tmp_path / "clouds.yaml").session) == "3 endpoints answer"
