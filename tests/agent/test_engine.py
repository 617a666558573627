"""The agent's own process on the real container engine, with a tiny image made here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mastic.execute.zipapp import agent_zipapp
from tests.agent.tiny_image import REFERENCE, make_tiny_image

pytestmark = pytest.mark.engine
SLEEP = "trap 'exit 0' TERM\necho ready; : > /ready; while :; do sleep 0.05; done\n"


@dataclass
class Bench:
    """One cloud of this test only: its folders, its agent, its programs."""

    folder: Path
    cloud: str
    agent: Path
    workloads: dict[str, Any] = field(default_factory=dict)
    jobs: dict[str, Any] = field(default_factory=dict)
    volumes: dict[str, Any] = field(default_factory=dict)

    @property
    def paths(self) -> dict[str, str]:
        return {"config": str(self.folder / "config"), "agent": str(self.folder / "agent")}

    def container(self, name: str) -> str:
        return f"{self.cloud}_{name}"

    def spec(self, name: str, **more: Any) -> dict[str, Any]:
        return {"name": self.container(name), "image": REFERENCE, "user": None, "stop_seconds": 1, **more}

    def workload(self, name: str, script: str = SLEEP, digest: str = "s1", **spec: Any) -> str:
        """Describe a workload; returns its id."""
        self.workloads[f"{name}@h"] = {
            "name": name,
            "service": "test",
            "container": self.container(name),
            "spec": self.spec(name, restart="unless-stopped", **spec),
            "spec_digest": digest,
            "files_digest": script,
            "files": [{"name": "run.sh", "content": script, "digest": script, "secrets": []}],
            "health": {"command": "cat /ready", "seconds": 10},
            "listens": [],
            "reload_signal": None,
            "stop_seconds": 1,
            "volumes": [],
        }
        return f"{name}@h"

    def job(self, name: str, script: str, **more: Any) -> str:
        self.jobs[f"test/{name}@h"] = {
            "name": name,
            "service": "test",
            "container": self.container(name),
            "spec": self.spec(name, restart="no", command=["kolla_start"]),
            "digest": script,
            "files": [{"name": "run.sh", "content": script, "digest": script, "secrets": []}],
            "seconds": 10,
            "data": list(self.volumes_names()),
            **more,
        }
        return f"test/{name}@h"

    def volumes_names(self) -> list[str]:
        return [volume["name"] for volume in self.volumes.values()]

    def program(self, *steps: str, **details: Any) -> dict[str, Any]:
        """Each step needs the one before it."""
        listed: list[dict[str, Any]] = []
        for step in steps:
            verb, _, resource = step.partition(":")
            needs = [listed[-1]["id"]] if listed else []
            detail = details.get(verb, {})
            listed.append({"id": step, "verb": verb, "resource": resource, "needs": needs, "detail": detail})
        described = {"workloads": self.workloads, "jobs": self.jobs, "volumes": self.volumes}
        return {"cloud": self.cloud, "paths": self.paths, "secrets": {}, "steps": listed, **described}

    def start_agent(self, subcommand: str, program: dict[str, Any]) -> subprocess.Popen[str]:
        command = [sys.executable, "-I", "-S", str(self.agent), subcommand]
        agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert agent.stdin
        agent.stdin.write(json.dumps(program) + "\n")
        agent.stdin.flush()
        return agent

    def ask(self, subcommand: str, program: dict[str, Any]) -> list[dict[str, Any]]:
        with self.start_agent(subcommand, program) as agent:
            output, _ = agent.communicate(timeout=60)
        return [json.loads(line) for line in output.splitlines()]

    def perform(self, *steps: str, **details: Any) -> list[dict[str, Any]]:
        return self.ask("perform", self.program(*steps, **details))

    def observe(self) -> dict[str, Any]:
        host: dict[str, Any] = self.ask("observe", {"cloud": self.cloud, "paths": self.paths})[0]["host"]
        return host

    def up(self, name: str) -> list[dict[str, Any]]:
        return self.perform(f"write:{name}", f"start:{name}")

    def inspect(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(docker("inspect", self.container(name)))
        return found[0]

    def clear(self) -> None:
        label = f"label=mastic.cloud={self.cloud}"
        if containers := docker("ps", "-aq", "--filter", label).split():
            docker("rm", "-f", *containers)
        if volumes := docker("volume", "ls", "-q", "--filter", label).split():
            docker("volume", "rm", *volumes)


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def agent_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    make_tiny_image()
    return agent_zipapp(tmp_path_factory.mktemp("agent"))


@pytest.fixture
def bench(tmp_path: Path, agent_file: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, f"agenttest{os.getpid()}", agent_file)
    yield bench
    bench.clear()


def result(answers: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = answers[-1]["result"]
    return found


def messages(answers: list[dict[str, Any]]) -> dict[str, str]:
    return {answer["id"]: answer["message"] for answer in answers if answer.get("state") in ("done", "failed")}


def test_start_makes_a_healthy_labelled_container(bench: Bench) -> None:
    name = bench.workload("web")
    assert result(bench.up(name))["failed"] == []
    seen = bench.observe()["workloads"]["web"]
    assert (seen["state"], seen["spec_digest"], seen["files_digest"]) == ("running", "s1", SLEEP)
    host = bench.inspect("web")["HostConfig"]
    assert (host["NetworkMode"], host["CapDrop"], host["Privileged"]) == ("host", ["ALL"], False)


def test_performing_again_restarts_nothing(bench: Bench) -> None:
    name = bench.workload("web")
    bench.up(name)
    before = bench.inspect("web")["State"]["StartedAt"]
    again = bench.perform(f"write:{name}", f"start:{name}", f"replace:{name}", f"restart:{name}")
    assert set(messages(again).values()) == {"already so"}
    assert bench.inspect("web")["State"]["StartedAt"] == before


def test_a_process_that_ends_is_told_at_once_with_its_last_lines(bench: Bench) -> None:
    name = bench.workload("web", "echo access denied\nexit 3\n")
    failure = next(answer for answer in bench.up(name) if answer.get("state") == "failed")
    assert failure["message"] == f"`{bench.container('web')}` exited with code 3 before it was healthy"
    assert "access denied" in failure["log"]
    assert bench.observe()["workloads"]["web"]["files_digest"] is None


def test_one_crash_that_the_engine_repairs_is_told_and_forgiven(bench: Bench) -> None:
    name = bench.workload("web", "[ -e /once ] || { : > /once; exit 139; }\n" + SLEEP)
    answers = bench.up(name)
    assert messages(answers)[f"start:{name}"] == "ended once while starting; the engine started it again"


def test_a_second_crash_is_not_forgiven(bench: Bench) -> None:
    name = bench.workload("web", "exit 139\n")
    assert messages(bench.up(name))[f"start:{name}"] == (
        f"`{bench.container('web')}` exited with code 139 before it was healthy"
    )


def test_a_process_that_never_serves_fails_in_its_time(bench: Bench) -> None:
    name = bench.workload("web")
    bench.workloads[name]["health"] = {"command": "cat /never", "seconds": 1}
    message = messages(bench.up(name))[f"start:{name}"]
    assert message.startswith(f"`{bench.container('web')}` did not become healthy in 1 s: `cat /never` exited with 1")


def test_a_failed_start_can_be_repaired_and_goes_on(bench: Bench) -> None:
    name = bench.workload("web", "exit 3\n")
    bench.up(name)
    bench.workload("web")
    assert result(bench.perform(f"write:{name}", f"restart:{name}"))["failed"] == []
    assert bench.observe()["workloads"]["web"]["files_digest"] == SLEEP


def test_replace_takes_the_new_spec(bench: Bench) -> None:
    name = bench.workload("web")
    bench.up(name)
    old = bench.inspect("web")["Id"]
    bench.workload("web", digest="s2", environment={"A": "2"})
    assert result(bench.perform(f"replace:{name}"))["failed"] == []
    new = bench.inspect("web")
    assert new["Id"] != old and new["Config"]["Labels"]["mastic.spec"] == "s2" and "A=2" in new["Config"]["Env"]


def test_a_file_edited_by_hand_is_seen_and_comes_into_force(bench: Bench) -> None:
    name = bench.workload("web")
    bench.up(name)
    started = bench.inspect("web")["State"]["StartedAt"]
    (bench.folder / "config" / bench.container("web") / "run.sh").write_text("exit 9\n")
    assert bench.observe()["files"][bench.container("web")]["run.sh"]["intact"] is False
    done = bench.perform(f"write:{name}", f"restart:{name}", write={"void_in_force": True})
    assert result(done)["failed"] == []
    assert bench.observe()["files"][bench.container("web")]["run.sh"]["intact"] is True
    assert bench.inspect("web")["State"]["StartedAt"] != started


def test_reload_copies_files_and_signals_without_a_restart(bench: Bench) -> None:
    first = "trap 'cat /run.sh' HUP\n" + SLEEP
    name = bench.workload("web", first)
    bench.up(name)
    started = bench.inspect("web")["State"]["StartedAt"]
    second = first + "# reloaded\n"
    bench.workload("web", second)
    bench.workloads[name]["reload_signal"] = "SIGHUP"
    assert result(bench.perform(f"write:{name}", f"reload:{name}"))["failed"] == []
    assert bench.inspect("web")["State"]["StartedAt"] == started
    assert bench.observe()["workloads"]["web"]["files_digest"] == second
    said = bench.ask("exec", {"container": bench.container("web"), "argv": ["cat", "/run.sh"], "seconds": 5})
    assert said == [{"code": 0, "output": second}]


def test_a_job_runs_to_its_end_and_is_stamped_with_its_volumes(bench: Bench) -> None:
    volume = f"{bench.cloud}data"
    bench.volumes[f"{volume}@h"] = {"name": volume, "keep": False}
    job = bench.job("migrate", "echo migrated\n")
    assert result(bench.perform(f"volume:{volume}@h", f"write:{job}", f"run:{job}"))["failed"] == []
    host = bench.observe()
    assert host["jobs"]["test/migrate"]["volumes"] == host["volumes"] != {}
    assert host["disposable_volumes"] == [volume]
    assert (bench.folder / "agent/logs/test.migrate.log").read_text() == "migrated\n"
    assert host["files"] == {} and docker("ps", "-aq", "--filter", f"label=mastic.cloud={bench.cloud}") == ""


def test_a_job_that_fails_shows_its_last_lines_and_leaves_no_stamp(bench: Bench) -> None:
    job = bench.job("migrate", "i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo line $i; done; exit 7\n")
    answers = bench.perform(f"write:{job}", f"run:{job}")
    failure = next(answer for answer in answers if answer.get("state") == "failed")
    assert failure["message"] == "job `test/migrate` exited with 7"
    assert failure["log"] == [f"line {number}" for number in range(11, 31)]
    assert bench.observe()["jobs"] == {}


def test_a_job_that_takes_too_long_is_ended(bench: Bench) -> None:
    job = bench.job("migrate", "echo began; sleep 60\n", seconds=1)
    answers = bench.perform(f"write:{job}", f"run:{job}")
    assert messages(answers)[f"run:{job}"] == "job `test/migrate` did not end in 1 s"
    assert docker("ps", "-aq", "--filter", f"label=mastic.cloud={bench.cloud}") == ""


def wait_for(agent: subprocess.Popen[str], step: str, state: str) -> None:
    assert agent.stdout
    for line in agent.stdout:
        answer = json.loads(line)
        if (answer.get("id"), answer.get("state")) == (step, state):
            return
    raise AssertionError(f"{step} never was {state}")


def test_killed_in_the_middle_performing_again_reaches_the_end(bench: Bench) -> None:
    web, after = bench.workload("web"), bench.workload("after")
    job = bench.job("migrate", "echo once; sleep 1; echo done\n")
    steps = (f"write:{web}", f"start:{web}", f"write:{job}", f"run:{job}", f"write:{after}", f"start:{after}")
    with bench.start_agent("perform", bench.program(*steps)) as agent:
        wait_for(agent, f"run:{job}", "started")
        agent.send_signal(signal.SIGKILL)
    started = bench.inspect("web")["State"]["StartedAt"]
    assert result(bench.perform(*steps))["failed"] == []
    host = bench.observe()
    assert {name: seen["state"] for name, seen in host["workloads"].items()} == {"web": "running", "after": "running"}
    assert "test/migrate" in host["jobs"]
    assert bench.inspect("web")["State"]["StartedAt"] == started


def test_a_leftover_of_a_killed_run_is_removed_first(bench: Bench) -> None:
    job = bench.job("migrate", "echo new\n")
    label = f"mastic.cloud={bench.cloud}"
    docker("run", "-d", "--name", bench.container("migrate"), "--label", label, REFERENCE, "sleep", "60")
    assert result(bench.perform(f"write:{job}", f"run:{job}"))["failed"] == []
    assert (bench.folder / "agent/logs/test.migrate.log").read_text() == "new\n"


def test_told_to_stop_the_running_step_comes_to_its_end(bench: Bench) -> None:
    job, web = bench.job("migrate", "sleep 0.5; echo done\n"), bench.workload("web")
    program = bench.program(f"write:{job}", f"run:{job}", f"write:{web}")
    with bench.start_agent("perform", program) as agent:
        wait_for(agent, f"run:{job}", "started")
        assert agent.stdin
        agent.stdin.write('{"stop": true}\n')
        agent.stdin.flush()
        output, _ = agent.communicate(timeout=30)
    ended = result([json.loads(line) for line in output.splitlines()])
    assert f"run:{job}" in ended["done"] and ended["skipped"] == [f"write:{web}"]


def test_a_pull_waits_for_its_notice(bench: Bench) -> None:
    program = bench.program()
    reference = f"mastic/{bench.cloud}:1"
    program["steps"] = [{"id": "p", "verb": "pull", "resource": f"{reference}@h", "needs": []}]
    with bench.start_agent("perform", program) as agent:
        wait_for(agent, "p", "started")
        docker("tag", REFERENCE, reference)
        output, _ = agent.communicate(json.dumps({"image": reference, "state": "ready"}) + "\n", timeout=30)
    docker("rmi", reference)
    assert list(result([json.loads(line) for line in output.splitlines()])["done"]) == ["p"]


def test_a_pull_of_an_image_that_nobody_makes_fails(bench: Bench) -> None:
    program = bench.program()
    program["steps"] = [{"id": "p", "verb": "pull", "resource": "mastic/nothing:1@h", "needs": []}]
    assert messages(bench.ask("perform", program)) == {
        "p": "image `mastic/nothing:1` is not in the engine, and nobody makes it"
    }


def test_foreign_containers_and_volumes_are_never_touched(bench: Bench) -> None:
    name = bench.workload("web")
    foreign = docker("run", "-d", "--name", bench.container("web"), REFERENCE, "sleep", "60").strip()
    try:
        message = messages(bench.up(name))[f"start:{name}"]
        assert message == f"a container `{bench.container('web')}` exists that is not of cloud `{bench.cloud}`"
        assert bench.container("web") in bench.observe()["foreign_containers"]
        bench.perform(f"remove:{name}")
        assert bench.inspect("web")["State"]["Running"]
    finally:
        docker("rm", "-f", foreign)


def test_a_user_other_than_root_has_no_effective_capability(bench: Bench) -> None:
    script = "cat /proc/self/status\n" + SLEEP
    bench.workloads[bench.workload("web", script, user="service", command=["cat", "/proc/self/status"])]["health"] = {}
    bench.perform("write:web@h", "start:web@h")
    lines = dict(line.split(":\t", 1) for line in docker("logs", bench.container("web")).splitlines() if ":\t" in line)
    assert int(lines["CapEff"], 16) == int(lines["CapPrm"], 16) == int(lines["CapAmb"], 16) == 0
    assert int(lines["CapBnd"], 16) == sum(1 << number for number in (0, 1, 3, 6, 7, 29))


def test_remove_and_cleanup_leave_nothing(bench: Bench) -> None:
    volume = f"{bench.cloud}data"
    bench.volumes[f"{volume}@h"] = {"name": volume, "keep": True}
    name = bench.workload("web", mounts=[{"type": "volume", "source": volume, "target": "/data", "read_only": False}])
    bench.perform(f"volume:{volume}@h", f"write:{name}", f"start:{name}")
    site = {"cloud": bench.cloud, "paths": bench.paths}
    assert bench.ask("cleanup", site) == [{"left": {"containers": [bench.container("web")], "volumes": [volume]}}]
    assert (bench.folder / "config" / bench.container("web") / "run.sh").exists()
    bench.perform(f"remove:{name}")
    bench.perform(f"remove:{volume}@h", remove={"kind": "volume", "name": volume})
    assert bench.ask("cleanup", site) == [{"left": {"containers": [], "volumes": []}}]
    assert not (bench.folder / "config").exists() and not (bench.folder / "agent").exists()


def test_a_missing_volume_is_not_made_in_silence(bench: Bench) -> None:
    mount = {"type": "volume", "source": f"{bench.cloud}data", "target": "/data", "read_only": False}
    name = bench.workload("web", mounts=[mount])
    assert messages(bench.up(name))[f"start:{name}"] == f"volume `{bench.cloud}data` is not there"


def test_logs(bench: Bench) -> None:
    name = bench.workload("web")
    bench.up(name)
    assert bench.ask("logs", {"container": bench.container("web"), "lines": 5}) == [{"line": "ready"}]
    missing = bench.ask("logs", {"container": bench.container("nobody"), "lines": 5})
    assert missing == [{"error": f"No such container: {bench.container('nobody')}"}]
