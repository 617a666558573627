"""A definition that cannot work is refused before anything changes, with what to do about it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.engine import start_times
from tests.e2e.lab import Finished, Lab

pytestmark = pytest.mark.cloud

HIDE_ENGINE = ("unshare", "--mount", "sh", "-c", 'mount --bind /dev/null /run/docker.sock && exec "$@"', "sh")
"""Runs a command that sees no engine, while everybody else does."""


def fingerprint(lab: Lab) -> tuple[object, ...]:
    """What must not change: processes, configuration on the host, the state's secrets and generations."""
    folders = (Path("/etc/mastic/clouds") / lab.name, lab.state)
    files = {str(path): path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*") if path.is_file()}
    return start_times(lab.name), files


def refused(lab: Lab, prefix: tuple[str, ...] = ()) -> Finished:
    """Apply must refuse with exit code 1, each problem with a hint, and change nothing."""
    before = fingerprint(lab)
    finished = lab.mastic("apply", "--yes", "--no-verify", prefix=prefix)
    assert finished.exit_code == 1, finished.err
    assert finished.err.count("error: ") == finished.err.count("hint: ") > 0, finished.err
    assert "Traceback" not in finished.err
    assert fingerprint(lab) == before
    return finished


def change(lab: Lab, **changes: Any) -> None:
    """Replace top-level keys of the definition."""
    lab.write({**lab.definition(), **changes})


@pytest.fixture
def listener() -> Iterator[int]:
    """A port on which another program of this host listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_port_taken_on_the_host(definition: Lab, listener: int) -> None:
    change(definition, settings={"glance": {"port": listener}})
    assert f"{listener}" in refused(definition).err


def test_address_that_is_not_on_the_host(definition: Lab) -> None:
    change(definition, hosts={"laptop": {"connection": "local", "address": "192.0.2.77"}})
    assert "`192.0.2.77`" in refused(definition).err


def test_engine_that_does_not_answer(definition: Lab) -> None:
    assert "engine" in refused(definition, prefix=HIDE_ENGINE).err


def test_several_mistakes_are_told_at_once_with_file_and_line(definition: Lab) -> None:
    definition.cloud.write_text(
        "cloud: laptop\nrelase: 2026.2\nhosts:\n  laptop: {conection: local}\nservices: [keystone, glanse]\n",
        encoding="utf-8",
    )
    said = refused(definition).err
    for line in (2, 4):
        assert f"{definition.cloud}:{line}" in said
    assert "did you mean `release`?" in said
    assert "did you mean `connection`?" in said


def test_unknown_service(definition: Lab) -> None:
    change(definition, services=[*definition.definition()["services"], "glanse"])
    said = refused(definition).err
    assert "`glanse`" in said
    assert "did you mean `glance`?" in said


def test_release_without_a_lock(definition: Lab) -> None:
    change(definition, release="1999.1")
    assert "1999.1" in refused(definition).err


def test_setting_of_the_wrong_type(definition: Lab) -> None:
    change(definition, settings={"glance": {"workers": "many"}})
    assert "workers" in refused(definition).err


def test_capability_that_nobody_provides(definition: Lab) -> None:
    change(definition, services=[name for name in definition.definition()["services"] if name != "mariadb"])
    said = refused(definition).err
    assert "`sql`" in said
    assert "mariadb" in said
