"""FakeExecutor: hosts as a state machine in memory that does what the agent does, for all fast tests.

It performs the very programs that agents get, and is as strict: a step fails when what it works with is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from threading import Condition
from typing import Any

from mastic.agent.jobs import forget
from mastic.agent.slots import folder_of, in_slot
from mastic.errors import HostError, Place, Problem
from mastic.execute.executor import Collected, Tell
from mastic.execute.fake_host import FakeHost
from mastic.execute.feed import ImageFeed, ImageNotice
from mastic.execute.program import Program, compile_checks, compile_program
from mastic.model.desired import SECRET_REFERENCE, Desired
from mastic.model.observed import JobStamp, Observed, ObservedFile, ObservedWorkload
from mastic.model.plan import Plan, Step
from mastic.model.run import Event, Run
from mastic.plan.around import Archive
from mastic.plan.waves import waves

PATIENCE = 10.0
"""Seconds a pull waits for the notice of its image."""


class StepFailed(Exception):
    """A step could not be done; the text says why."""


class FakeExecutor:
    """Executor over `FakeHost`s; `fail` makes steps fail, `stop_after` ends a run early as a crash would."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self.hosts = {name: FakeHost(name) for name in hosts}
        self.unreachable: dict[str, str] = {}
        self.fail: dict[str, str] = {}
        """Step id → why it fails, until taken out."""
        self.stop_after: int | None = None
        """Steps that the next run does before it ends."""
        self.programs: list[Program] = []
        """Every program that was handed to a host."""
        self.answers: dict[tuple[str, ...], tuple[int, str]] = {}
        """Command → what `exec` answers; else exit code 0 and no output."""
        self._runs = count(1)

    def observe(self, hosts: Sequence[str]) -> Observed:
        answering = {name: self.hosts[name].observed() for name in hosts if name not in self.unreachable}
        return Observed(answering, {name: self.unreachable[name] for name in hosts if name in self.unreachable})

    def perform(self, plan: Plan, desired: Desired, secrets: Mapping[str, str], feed: ImageFeed, tell: Tell) -> Run:
        run = Run(id=f"fake-{next(self._runs)}")
        gate = _ImageGate(feed)
        for wave in waves(plan):
            programs = {host: compile_program(wave, desired, host, secrets) for host in desired.hosts}
            self.programs += [program for program in programs.values() if program["steps"]]
            for step in wave.steps:
                if not self._may_go_on(run):
                    break
                self._do(step, programs[step.host], gate, run, tell)
        gate.close()
        run.skipped = tuple(step.id for step in plan.steps if step.id not in run.done and step.id not in run.failed)
        self.stop_after = None
        return run

    def logs(self, host: str, container: str, lines: int, follow: bool) -> Iterator[str]:
        yield from self.hosts[host].logs.get(container, [])[-lines:]

    def exec(self, host: str, container: str, command: tuple[str, ...], seconds: float) -> tuple[int, str]:
        seen = next((c for c in self.hosts[host].containers.values() if c.container == container), None)
        if seen is None or seen.state != "running":
            return 1, f"container {container} is not running"
        return self.answers.get(command, (0, ""))

    def check(self, host: str, desired: Desired, secrets: Mapping[str, str]) -> dict[str, str]:
        here, found = self.hosts[host], dict[str, str]()
        for id in compile_checks(desired, host, secrets)["jobs"]:
            name = id.rpartition("@")[0]
            if name in here.jobs:
                found[id] = here.undone.get(name, "")
                here.jobs[name] = replace(here.jobs[name], undone=found[id])
        return found

    def cleanup(self, host: str) -> None:
        here = self.hosts[host]
        if here.containers:
            return
        here.files.clear()
        here.contents.clear()
        if not here.volumes:
            here.jobs.clear()
            here.kept = None

    def keep(self, host: str, content: bytes) -> None:
        self.hosts[host].kept = content

    def kept(self, host: str) -> bytes | None:
        return self.hosts[host].kept

    def sizes(self, host: str) -> dict[str, int]:
        here = self.hosts[host]
        return {name: len(here.contents_of.get(name, "")) for name in here.volumes}

    def archive(self, host: str, path: str) -> Archive:
        if path not in self.hosts[host].archives:
            raise HostError(Problem(f"`{path}` is no backup of volumes", Place(host)))
        return self.hosts[host].archives[path][0]

    def collect(self, host: str, images: Sequence[str], remove: bool) -> Collected:
        here = self.hosts[host]
        used = {container.image for container in (*here.containers.values(), *here.beside.values())}
        free = [image for image in images if image in here.images and image not in used]
        if remove:
            here.images.difference_update(free)
        return Collected(dict.fromkeys(free, 1 << 20), tuple(image for image in images if image in used))

    def _may_go_on(self, run: Run) -> bool:
        return not run.failed and (self.stop_after is None or len(run.done) < self.stop_after)

    def _do(self, step: Step, program: Program, gate: _ImageGate, run: Run, tell: Tell) -> None:
        tell(Event("step", step.id, "started", host=step.host))
        try:
            undone = [need for need in step.needs if need not in run.done]
            if undone:
                raise StepFailed(f"needs {undone[0]}, which is not done")
            _Performer(self.hosts[step.host], program, gate, self.fail.get(step.id)).perform(step)
        except StepFailed as failure:
            log = tuple(self.hosts[step.host].logs.get(_container(step), ())[-20:])
            event = Event("step", step.id, "failed", message=str(failure), log=log, host=step.host)
            run.failed[step.id] = event
            tell(event)
            return
        run.done[step.id] = 0.0
        tell(Event("step", step.id, "done", host=step.host))


class _ImageGate:
    """Waits for notices of images."""

    def __init__(self, feed: ImageFeed) -> None:
        self._changed = Condition()
        self._notices: dict[str, ImageNotice] = {}
        self.close = feed.subscribe(self._take)

    def _take(self, notice: ImageNotice) -> None:
        with self._changed:
            self._notices[notice.image] = notice
            self._changed.notify_all()

    def wait(self, image: str) -> None:
        """Return when the image is ready; raises StepFailed when it will not be."""
        with self._changed:
            self._changed.wait_for(lambda: image in self._notices, PATIENCE)
        notice = self._notices.get(image)
        if notice is None or notice.state == "failed":
            raise StepFailed(f"image `{image}` is not there: {notice.why if notice else 'nobody built it'}")


@dataclass(frozen=True)
class _Performer:
    """One function per verb, on one host; `failure` makes a step fail half done, as in life."""

    host: FakeHost
    program: Program
    gate: _ImageGate
    failure: str | None

    def perform(self, step: Step) -> None:
        verbs: dict[str, Callable[[Step], None]] = {
            "pull": self._pull,
            "write": self._write,
            "volume": self._volume,
            "move": self._move,
            "backup": self._backup,
            "restore": self._restore,
            "bind": self._bind,
            "run": self._run,
            "start": self._start,
            "replace": self._start,
            "restart": self._again,
            "reload": self._again,
            "stop": self._stop,
            "remove": self._remove,
        }
        verbs[step.verb](step)

    def _pull(self, step: Step) -> None:
        self._fail_when_asked(step)
        image = step.resource.rpartition("@")[0]
        if image not in self.host.images:
            self.gate.wait(image)
            self.host.images.add(image)

    def _write(self, step: Step) -> None:
        holder = self._resource(step)
        container = folder_of(holder)
        known = self.host.files.setdefault(container, {})
        if step.detail.get("void_in_force"):
            self._set_in_force(holder, None)
        for file in holder["files"]:
            self.host.contents[container, file["name"]] = self._with_secrets(file)
            known[file["name"]] = ObservedFile(file["digest"], True)
            self._fail_when_asked(step)
        for name in set(known) - {file["name"] for file in holder["files"]}:
            del known[name]
            del self.host.contents[container, name]

    def _volume(self, step: Step) -> None:
        self._fail_when_asked(step)
        volume = self.program["volumes"][step.resource]
        self.host.make_volume(volume["name"], volume["path"])
        if not volume["keep"]:
            self.host.disposable.add(volume["name"])

    def _move(self, step: Step) -> None:
        self._fail_when_asked(step)
        name = step.detail["name"]
        self._require_unused([name], "running", "exited")
        if name not in self.host.volumes:
            raise StepFailed(f"no such volume: {name}")
        self.host.volume_paths[name] = step.detail["path"]

    def _backup(self, step: Step) -> None:
        self._fail_when_asked(step)
        self._require_unused(step.detail["volumes"], "running")
        self.host.back_up(self.program["cloud"], step.detail["volumes"], step.detail["archive"])

    def _restore(self, step: Step) -> None:
        self._fail_when_asked(step)
        self._require_unused(step.detail["volumes"], "running")
        if self.host.archives[step.detail["archive"]][0].volumes != step.detail["volumes"]:
            raise StepFailed(f"{step.detail['archive']} is another archive")
        self.host.put_back(step.detail["archive"], step.detail["jobs"])

    def _require_unused(self, names: Sequence[str], *states: str) -> None:
        """Nobody may write to what is copied; the engine makes no volume anew that a container has."""
        for container in (*self.host.containers.values(), *self.host.beside.values()):
            if container.state in states and set(names) & self.host.mounted.get(container.container_id, set()):
                raise StepFailed(f"{container.container} has volume {', '.join(names)}")

    def _run(self, step: Step) -> None:
        job = self._resource(step)
        self._check_container(job)
        self.host.logs.setdefault(job["container"], []).append(f"running {step.resource}")
        self._fail_when_asked(step)
        volumes = {name: self.host.volumes[name] for name in job["data"] if name in self.host.volumes}
        self.host.jobs[step.resource.rpartition("@")[0]] = JobStamp(job["digest"], volumes, self.host.now())
        if service := step.detail.get("forget"):
            forget(self.host.jobs, service)
        self.host.ran.append(step.resource)
        self.host.undone.pop(step.resource.rpartition("@")[0], None)
        self._remove_files(job["container"])

    def _start(self, step: Step) -> None:
        workload = self._resource(step)
        self._check_container(workload)
        there = self._there(workload)
        old = there.get(workload["name"])
        is_new = old is None or step.verb == "replace"
        now = self.host.now()
        there[workload["name"]] = ObservedWorkload(
            name=workload["name"],
            service=workload["service"],
            host=self.host.name,
            container=workload["container"],
            container_id=f"{workload['container']}-{now}" if is_new or not old else old.container_id,
            spec_digest=workload["spec_digest"] if is_new or not old else old.spec_digest,
            files_digest=None,
            image=workload["spec"]["image"] if is_new or not old else old.image,
            state="running",
            healthy=False,
            started_at=now,
            created_at=now if is_new or not old else old.created_at,
            slot=workload.get("slot", ""),
            config=folder_of(workload),
        )
        self.host.mounted[there[workload["name"]].container_id] = set(workload["volumes"])
        if old and old.folder != folder_of(workload):
            self._remove_files(old.folder)
        self._become_healthy(step, workload)

    def _again(self, step: Step) -> None:
        workload = self._resource(step)
        self._check_files(workload)
        there = self._there(workload)
        seen = there.get(workload["name"])
        if seen is None or seen.state != "running":
            raise StepFailed(f"container {workload['container']} does not run")
        started = self.host.now() if step.verb == "restart" else seen.started_at
        there[workload["name"]] = replace(seen, started_at=started, files_digest=None, healthy=False)
        self._become_healthy(step, workload)

    def _there(self, workload: Mapping[str, Any]) -> dict[str, ObservedWorkload]:
        """Where a container of this name is kept: the first of a workload, or the one beside it."""
        first = self.host.containers.get(workload["name"])
        if first is None or "slot" not in workload or first.container == workload["container"]:
            return self.host.containers
        if first.folder == folder_of(workload):
            raise StepFailed(f"the port of slot {workload['slot']} is taken by {first.container}")
        return self.host.beside

    def _bind(self, step: Step) -> None:
        """Requests go where a container serves, and nowhere else: else they fail."""
        self._fail_when_asked(step)
        balancer = next((c for c in self.host.containers.values() if c.container == step.detail["container"]), None)
        if balancer is None or balancer.state != "running":
            return
        name, _, where = step.resource.rpartition("@")
        both = (there[name] for there in (self.host.containers, self.host.beside) if name in there)
        if where == self.host.name and not any(c.slot in (step.detail["slot"], "") and c.healthy for c in both):
            raise StepFailed(f"check of {step.detail['slot']} does not pass")
        self.host.balanced[name] = step.detail["slot"]

    def _stop(self, step: Step) -> None:
        self._fail_when_asked(step)
        self.host.stop(self._resource(step)["name"])

    def _remove(self, step: Step) -> None:
        self._fail_when_asked(step)
        name = step.detail["name"]
        if step.detail["kind"] == "volume":
            self.host.remove_volume(name)
            return
        for there in (self.host.containers, self.host.beside):
            if name in there and there[name].container == step.detail["container"]:
                del there[name]
        self._remove_files(step.detail.get("folder") or step.detail["container"])
        if name in self.host.beside and name not in self.host.containers:
            self.host.containers[name] = self.host.beside.pop(name)
        last = self.host.containers.get(name)
        if last and last.container == step.detail.get("successor"):
            self.host.containers[name] = replace(last, container=step.detail["takes"])

    def _remove_files(self, container: str) -> None:
        for file in self.host.files.pop(container, {}):
            del self.host.contents[container, file]

    def _fail_when_asked(self, step: Step) -> None:
        if self.failure is not None:
            raise StepFailed(f"{_container(step)} on `{self.host.name}`: {self.failure}")

    def _resource(self, step: Step) -> dict[str, Any]:
        if step.resource in self.program["workloads"]:
            return in_slot(self.program["workloads"][step.resource], step.detail)
        if step.resource in self.program["jobs"]:
            return dict(self.program["jobs"][step.resource])
        raise StepFailed(f"the program does not hold `{step.resource}`")

    def _with_secrets(self, file: Mapping[str, Any]) -> str:
        content = str(file["content"])
        for name in file["secrets"]:
            content = content.replace(SECRET_REFERENCE.format(name=name), self.program["secrets"][name])
        return content

    def _check_container(self, holder: Mapping[str, Any]) -> None:
        """What a container is made of has to be there first."""
        spec = holder["spec"]
        if spec["image"] not in self.host.images:
            raise StepFailed(f"no such image: {spec['image']}")
        for mount in spec.get("mounts", ()):
            if mount["type"] == "volume" and mount["source"] not in self.host.volumes:
                raise StepFailed(f"no such volume: {mount['source']}")
        self._check_files(holder)

    def _check_files(self, holder: Mapping[str, Any]) -> None:
        known = self.host.files.get(folder_of(holder), {})
        for file in holder["files"]:
            if known.get(file["name"]) != ObservedFile(file["digest"], True):
                raise StepFailed(f"file {file['name']} of {holder['container']} is not written")

    def _become_healthy(self, step: Step, workload: Mapping[str, Any]) -> None:
        self.host.logs.setdefault(workload["container"], []).append(f"{workload['container']} starts")
        if self.failure is not None:
            self.host.logs[workload["container"]].append(self.failure)
        self.host.let_read(folder_of(workload))
        if self.failure is not None and step.detail.get("beside"):
            failed = self.host.beside[workload["name"]]
            self.host.beside[workload["name"]] = replace(failed, state="exited", exit_code=1, healthy=None)
        self._fail_when_asked(step)
        self._set_in_force(workload, workload["files_digest"])
        there = self._there(workload)
        there[workload["name"]] = replace(there[workload["name"]], healthy=True)

    def _set_in_force(self, workload: Mapping[str, Any], digest: str | None) -> None:
        for there in (self.host.containers, self.host.beside):
            seen = there.get(workload["name"])
            if seen and seen.folder == folder_of(workload):
                there[workload["name"]] = replace(seen, files_digest=digest)


def _container(step: Step) -> str:
    return str(step.detail.get("container", step.resource))
