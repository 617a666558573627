"""`mastic build --push` on one machine, `mastic apply` on another: it pulls what was signed and builds nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mastic.build.engine import find_engine
from tests.bundle.machine import CLOUD, FETCH, Machine, forget_page, new_machine
from tests.registry.debian_registry import running
from tests.registry.test_registry import free_port

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Pushed:
    """The machine that pushed, and the image's reference and id there."""

    machine: Machine
    address: str
    reference: str
    id: str


@pytest.fixture
def pushed(tmp_path: Path) -> Iterator[Pushed]:
    with running(tmp_path / "registry", free_port()) as address:
        (tmp_path / "machine").mkdir()
        machine = new_machine(tmp_path / "machine", f"{CLOUD}registry: {{address: '{address}/lab'}}\n")
        done = machine.mastic("build", "page", "--push")
        assert done.returncode == 0, done.stdout + done.stderr
        reference = done.stdout.split()[-1]
        try:
            yield Pushed(machine, address, reference, find_engine().inspect(reference)["Id"])
        finally:
            machine.mastic("destroy", "--yes", "--allow", "data-loss", state="elsewhere")
            forget_page()


def elsewhere(pushed: Pushed, *words: str) -> list[dict[str, object]]:
    """As on another machine: no image, no record, only the public key; what the command told."""
    key = str(pushed.machine.folder / "key.pub")
    done = pushed.machine.mastic(*words, "--json", state="elsewhere", MASTIC_SIGNING_KEY=key)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_cloud_runs_from_what_was_pushed(pushed: Pushed) -> None:
    forget_page()
    told = elsewhere(pushed, "apply", "--yes", "--no-verify")
    events = [line for line in told if line["type"] == "event"]
    (pull,) = [each for each in events if str(each["id"]).startswith("pull:") and each["state"] == "done"]
    assert f"from {pushed.address}/lab/" in str(pull["message"])
    assert [each for each in events if each["kind"] == "image" and each["state"] == "done"] == []
    assert find_engine().inspect(pushed.reference)["Id"] == pushed.id
    fetched = pushed.machine.run([sys.executable, "-c", FETCH])
    assert fetched.stdout.strip() == "carried", fetched.stderr
    assert next(line for line in elsewhere(pushed, "plan") if line["type"] == "plan")["steps"] == []
