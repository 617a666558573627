"""The same on a real engine: processes killed with signal 9 in the middle of a first deploy and of a change."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mastic.errors import StepError
from mastic.history.history import History
from mastic.model.goal import Goal
from mastic.model.run import Event
from mastic.pipeline import apply as apply_plan
from mastic.report.plain import PlainReport
from mastic.returning import resume, rollback
from tests.agent.test_local import agent_of
from tests.generations import real_desk as desk

pytestmark = pytest.mark.engine
CLOUD = f"crash{os.getpid()}"
POINTS = (
    f"started run:{CLOUD}/fill@here",
    f"done run:{CLOUD}/fill@here",
    f"started start:{CLOUD}-b@here",
    "done verify",
)
CHANGE_POINTS = (f"done write:{CLOUD}-a@here", f"started restart:{CLOUD}-a@here", f"done restart:{CLOUD}-b@here")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    desk.make(tmp_path, CLOUD)
    yield tmp_path
    remove_everything(tmp_path, CLOUD)


def remove_everything(folder: Path, cloud: str) -> None:
    """Take the cloud off the machine, and its images."""
    desk.wait_for_orphan(cloud)
    desk.remove(folder)
    form = ("--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference=mastic/{cloud}")
    listed = subprocess.run(["docker", "image", "ls", *form], check=True, capture_output=True, text=True)
    subprocess.run(["docker", "rmi", *listed.stdout.split()], check=True, capture_output=True)
    assert not Path("/var/lib/mastic-agent", cloud).exists()


def history(folder: Path) -> History:
    return History(folder / "state" / CLOUD / "history")


def kill_controller_at(folder: Path, line: str) -> None:
    """Start a controller and kill it when it says this line."""
    command = [sys.executable, "-m", "tests.generations.real_desk", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as controller:
        assert controller.stdout
        assert any(said.strip() == line for said in controller.stdout), f"never said: {line}"
        controller.kill()
    assert controller.returncode == -signal.SIGKILL
    desk.wait_for_orphan(CLOUD)


def files_on_host() -> dict[str, str]:
    root = Path("/etc/mastic/clouds", CLOUD)
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def jobs_done() -> str:
    """One `x` for each time the job ran to its end on this volume."""
    command = ["docker", "exec", f"{CLOUD}_a", "cat", "/data/count"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def assert_end(folder: Path, word: str, generations: int) -> None:
    assert desk.left_to_do(folder) == []
    assert history(folder).unfinished() is None
    heads = history(folder).heads()
    assert (len(heads), heads[-1].result) == (generations, "verified")
    files = files_on_host()
    assert len(files) == 4 and sum(f"# {word} " in text for text in files.values()) == 2
    assert set(jobs_done()) == {"x"}


@pytest.mark.parametrize("line", POINTS)
def test_controller_killed_in_a_first_deploy(line: str, folder: Path) -> None:
    kill_controller_at(folder, line)
    desk.apply(folder)
    assert_end(folder, "one", 1)


@pytest.mark.parametrize("line", CHANGE_POINTS)
def test_controller_killed_in_a_change(line: str, folder: Path) -> None:
    desk.apply(folder)
    desk.define(folder, CLOUD, "two")
    kill_controller_at(folder, line)
    resume(desk.where_of(folder), PlainReport(), lambda wanted: True, boot=False)
    assert_end(folder, "two", 2)


@pytest.mark.parametrize("line", POINTS[:3:2])
def test_agent_killed_in_a_first_deploy(line: str, folder: Path) -> None:
    class Killer(PlainReport):
        def event(self, event: Event) -> None:
            if f"{event.state} {event.id}" == line:
                os.kill(agent_of(os.getpid()), signal.SIGKILL)

    with pytest.raises(StepError, match="ended with code -9"):
        apply_plan(desk.where_of(folder), Goal(), Killer(), lambda wanted: True, boot=False)
    desk.apply(folder)
    assert_end(folder, "one", 1)


def test_rollback_on_a_real_engine(folder: Path) -> None:
    desk.apply(folder)
    before = files_on_host()
    desk.define(folder, CLOUD, "two")
    desk.apply(folder)
    assert files_on_host() != before
    assert rollback(desk.where_of(folder), None, Goal(), PlainReport(), lambda wanted: True)
    assert files_on_host() == before
    assert [head.command for head in history(folder).heads()] == ["apply", "apply", "rollback to 1"]
    assert jobs_done() == "x"
