"""LocalExecutor: from a wanted cloud to real containers and back, and what the run says when the agent is cut off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from mastic.errors import HostError
from mastic.execute.feed import ImageFeed
from mastic.execute.local import LocalExecutor
from mastic.execute.zipapp import agent_sources, agent_zipapp
from mastic.model.desired import ConfigFile, Desired, DesiredVolume, PlacedJob, PlacedWorkload
from mastic.model.goal import Goal
from mastic.model.run import Event, Run
from mastic.model.service import Health
from mastic.plan.reconcile import reconcile
from tests.agent.tiny_image import REFERENCE, make_tiny_image

CLOUD = f"localtest{os.getpid()}"
HOST = "here"
SERVE = "trap 'exit 0' TERM\n: > /ready; while :; do sleep 0.05; done # @@secret:{secret}@@\n"


def files(content: str) -> tuple[ConfigFile, ...]:
    return (ConfigFile("run.sh", content, "restart", ("a_word",) if "@@" in content else ()),)


def wanted(job_script: str = "echo done\n", digest: str = "") -> Desired:
    """A volume, a job on it, a workload that waits for the job."""
    volume, config = f"{CLOUD}_data", f"/etc/mastic/clouds/{CLOUD}"
    mount = {"type": "volume", "source": volume, "target": "/data", "read_only": False}

    def spec(name: str, restart: str) -> dict[str, object]:
        container = f"{CLOUD}_{name}"
        bind = {
            "type": "bind",
            "source": f"{config}/{container}/",
            "target": "/var/lib/kolla/config_files/",
            "read_only": True,
        }
        return {"name": container, "image": REFERENCE, "restart": restart, "mounts": [bind, mount], "stop_seconds": 1}

    job = PlacedJob(
        "load", "test", HOST, f"{CLOUD}_load", "x", "once", "x", spec("load", "no"), files(job_script), (volume,)
    )
    script = SERVE.format(secret="a_word") + digest
    workload = PlacedWorkload(
        "web",
        "test",
        HOST,
        f"{CLOUD}_web",
        "x",
        spec("web", "unless-stopped"),
        files(script),
        (volume,),
        Health(command="cat /ready", seconds=10),
        needs=(job.id,),
    )
    volumes = (DesiredVolume(volume, HOST, True, "test"),)
    return Desired(CLOUD, "1", (HOST,), (workload,), (job,), volumes, {}, {"a_word": 1}, {"x": REFERENCE})


@dataclass
class Cloud:
    """The executor and what it told."""

    executor: LocalExecutor
    events: list[Event]

    def apply(self, desired: Desired, goal: Goal | None = None) -> Run:
        plan = reconcile(desired, self.executor.observe((HOST,)), goal or Goal())
        return self.executor.perform(plan, desired, {"a_word": "hidden"}, ImageFeed(), self.events.append)

    def remaining(self, desired: Desired) -> Sequence[object]:
        return reconcile(desired, self.executor.observe((HOST,)), Goal()).steps


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    make_tiny_image()
    cloud = Cloud(LocalExecutor(CLOUD, tmp_path), [])
    yield cloud
    cloud.apply(wanted(), Goal(destroy=True, allow_data_loss=True))
    cloud.executor.cleanup(HOST)
    assert not Path(f"/etc/mastic/clouds/{CLOUD}").exists()
    assert not Path(f"/var/lib/mastic-agent/{CLOUD}").exists()


def test_the_packed_agent_is_the_same_every_time_and_runs_alone(tmp_path: Path) -> None:
    first, second = agent_zipapp(tmp_path / "a"), agent_zipapp(tmp_path / "b")
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()
    command = [sys.executable, "-I", "-S", str(first)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert said.returncode == 1
    assert said.stderr.startswith("usage: mastic-agent.pyz observe|perform|")


def test_the_agent_is_valid_for_python_3_9() -> None:
    import ast

    for text in agent_sources().values():
        ast.parse(text, feature_version=(3, 9))


@pytest.mark.engine
def test_what_was_applied_needs_nothing_more(cloud: Cloud) -> None:
    run = cloud.apply(wanted())
    assert run.ok and len(run.done) == 5
    assert cloud.remaining(wanted()) == ()
    assert {event.state for event in cloud.events} == {"started", "done"}
    assert "hidden" not in repr(cloud.events)


@pytest.mark.engine
def test_one_changed_file_is_one_write_and_one_restart(cloud: Cloud) -> None:
    cloud.apply(wanted())
    changed = wanted(digest="# new\n")
    assert list(cloud.apply(changed).done) == [f"write:web@{HOST}", f"restart:web@{HOST}"]
    assert cloud.remaining(changed) == ()


@pytest.mark.engine
def test_a_failed_job_stops_the_run_and_the_next_one_goes_on(cloud: Cloud) -> None:
    run = cloud.apply(wanted("echo no such table; exit 4\n"))
    failure = run.failed[f"run:test/load@{HOST}"]
    assert failure.message == "job `test/load` exited with 4" and failure.log == ("no such table",)
    assert f"start:web@{HOST}" in run.skipped and not run.ok
    assert cloud.apply(wanted()).ok
    assert cloud.remaining(wanted()) == ()


@pytest.mark.engine
def test_an_agent_that_dies_is_told_in_the_run(cloud: Cloud) -> None:
    job = f"run:test/load@{HOST}"
    desired = wanted("sleep 1\n")

    def tell(event: Event) -> None:
        cloud.events.append(event)
        if (event.id, event.state) == (job, "started"):
            os.kill(agent_of(os.getpid()), signal.SIGKILL)

    plan = reconcile(desired, cloud.executor.observe((HOST,)), Goal())
    run = cloud.executor.perform(plan, desired, {"a_word": "hidden"}, ImageFeed(), tell)
    assert "ended with code -9 while this step ran" in run.failed[job].message
    assert f"start:web@{HOST}" in run.skipped
    assert cloud.apply(desired).ok
    assert cloud.remaining(desired) == ()


def agent_of(parent: int) -> int:
    """Process id of the agent that `parent` runs."""
    children = Path(f"/proc/{parent}/task").glob("*/children")
    ids = [int(child) for found in children for child in found.read_text().split()]
    return next(child for child in ids if b"mastic-agent" in Path(f"/proc/{child}/cmdline").read_bytes())


@pytest.mark.engine
def test_an_interrupt_lets_the_running_step_end_and_is_raised_then(cloud: Cloud) -> None:
    job = f"run:test/load@{HOST}"
    desired = wanted("sleep 0.5\n")

    def tell(event: Event) -> None:
        cloud.events.append(event)
        if (event.id, event.state) == (job, "started"):
            signal.raise_signal(signal.SIGINT)

    plan = reconcile(desired, cloud.executor.observe((HOST,)), Goal())
    with pytest.raises(KeyboardInterrupt):
        cloud.executor.perform(plan, desired, {"a_word": "hidden"}, ImageFeed(), tell)
    assert (job, "done") in [(event.id, event.state) for event in cloud.events]
    assert (f"start:web@{HOST}", "skipped") in [(event.id, event.state) for event in cloud.events]


@pytest.mark.engine
def test_a_second_run_on_the_same_host_is_refused(cloud: Cloud) -> None:
    desired = wanted("sleep 2\n")
    began = threading.Event()

    def tell(event: Event) -> None:
        if event.id == f"run:test/load@{HOST}":
            began.set()

    plan = reconcile(desired, cloud.executor.observe((HOST,)), Goal())
    first = threading.Thread(
        target=cloud.executor.perform, args=(plan, desired, {"a_word": "hidden"}, ImageFeed(), tell)
    )
    first.start()
    assert began.wait(20)
    with pytest.raises(HostError, match="another run is working"):
        cloud.apply(wanted())
    first.join()


@pytest.mark.engine
def test_logs_and_exec(cloud: Cloud) -> None:
    cloud.apply(wanted())
    container = f"{CLOUD}_web"
    assert cloud.executor.exec(HOST, container, ("cat", "/nowhere"), 5)[0] == 1
    assert cloud.executor.exec(HOST, container, ("sleep", "9"), 0.2) == (124, "did not end in 0 s")
    assert list(cloud.executor.logs(HOST, container, 5, False)) == []
    with pytest.raises(HostError, match="No such container"):
        list(cloud.executor.logs(HOST, "nobody", 5, False))
