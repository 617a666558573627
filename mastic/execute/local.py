"""LocalExecutor: the agent as a child process on this very machine (Plan → Run)."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from pydantic import TypeAdapter

from mastic.errors import HostError, Place, Problem
from mastic.execute.executor import Collected, Tell
from mastic.execute.feed import ImageFeed, ImageNotice
from mastic.execute.program import compile_checks, compile_program
from mastic.execute.zipapp import agent_zipapp
from mastic.model.desired import Desired
from mastic.model.observed import Observed, ObservedHost
from mastic.model.plan import Plan
from mastic.model.run import Event, Run
from mastic.plan.around import Archive
from mastic.plan.waves import waves

_HOST = TypeAdapter(ObservedHost)
_ARCHIVE = TypeAdapter(Archive)
_Process = subprocess.Popen[str]


class LocalExecutor:
    """Every host is this machine; the agent's file lies in the cloud's state folder."""

    def __init__(self, cloud: str, state: Path) -> None:
        self._cloud = cloud
        self._state = state

    def observe(self, hosts: Sequence[str]) -> Observed:
        """What is on the hosts. Raises HostError when the agent cannot run."""
        found, raw = {}, {}
        for name in hosts:
            answer = next(self._answers("observe", self._program(), name))
            raw[name] = answer["host"]
            found[name] = read_host(name, answer["host"])
        return Observed(found, raw=raw)

    def perform(self, plan: Plan, desired: Desired, secrets: Mapping[str, str], feed: ImageFeed, tell: Tell) -> Run:
        """Carry out a plan; an interrupt lets the steps that run come to their end, then it is raised again."""
        run = Run(id=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
        for wave in waves(plan):
            for host in dict.fromkeys(step.host for step in wave.steps):
                self._perform_on(host, compile_program(wave, desired, host, secrets), feed, _Listener(run, host, tell))
        return run

    def logs(self, host: str, container: str, lines: int, follow: bool) -> Iterator[str]:
        """Lines of a container's log. Raises HostError when there is no such container."""
        program = self._program(container=container, lines=lines, follow=follow)
        for answer in self._answers("logs", program, host):
            yield answer["line"]

    def exec(self, host: str, container: str, command: tuple[str, ...], seconds: float) -> tuple[int, str]:
        """Exit code (124 when it did not end in time) and output of a command in a container. Raises HostError."""
        program = self._program(container=container, argv=list(command), seconds=seconds)
        answer = next(self._answers("exec", program, host))
        return answer["code"], answer["output"]

    def check(self, host: str, desired: Desired, secrets: Mapping[str, str]) -> dict[str, str]:
        """What is wrong with the effects of jobs that say how to tell. Raises HostError."""
        program = self._program(**compile_checks(desired, host, secrets))
        if not program["jobs"]:
            return {}
        answer = next(self._answers("check", program, host))
        return dict(answer["wrong"])

    def cleanup(self, host: str) -> None:
        """Remove configuration and records; while containers stand they stay. Raises HostError."""
        next(self._answers("cleanup", self._program(), host))

    def keep(self, host: str, content: bytes) -> None:
        """Put a copy of the state into the agent's folder. Raises HostError."""
        next(self._answers("keep", self._program(content=b64encode(content).decode()), host))

    def kept(self, host: str) -> bytes | None:
        """The copy in the agent's folder. Raises HostError."""
        answer = next(self._answers("kept", self._program(), host))
        return b64decode(answer["content"]) if answer["content"] is not None else None

    def collect(self, host: str, images: Sequence[str], remove: bool) -> Collected:
        """Sizes of images, and their removal. Raises HostError."""
        answer = next(self._answers("collect", self._program(images=list(images), remove=remove), host))
        return Collected(answer["sizes"], tuple(answer["in_use"]))

    def sizes(self, host: str) -> dict[str, int]:
        """Bytes of each volume. Raises HostError."""
        sizes: dict[str, int] = next(self._answers("sizes", self._program(), host))["sizes"]
        return sizes

    def archive(self, host: str, path: str) -> Archive:
        """What a backup says of itself. Raises HostError."""
        answer = next(self._answers("manifest", self._program(archive=path), host))
        return read_archive(path, answer)

    def _program(self, **more: Any) -> dict[str, Any]:
        paths = {"config": f"/etc/mastic/clouds/{self._cloud}", "agent": f"/var/lib/mastic-agent/{self._cloud}"}
        return {"cloud": self._cloud, "paths": paths, **more}

    def _answers(self, subcommand: str, program: dict[str, Any], host: str) -> Iterator[dict[str, Any]]:
        """Every answer of the agent; ends it when the caller stops asking. Raises HostError when it broke."""
        with self._agent(subcommand) as agent:
            _send(agent, program)
            _hang_up(agent)
            try:
                for line in _lines(agent):
                    yield _answer(line, host)
                if agent.wait() != 0:
                    raise HostError(Problem(f"the agent on `{host}` broke", hint=_last_words(agent)))
            finally:
                agent.terminate()

    def _perform_on(self, host: str, program: dict[str, Any], feed: ImageFeed, listener: _Listener) -> None:
        """One program on one host; an agent that dies is told in the run."""
        with self._agent("perform") as agent:
            lock = threading.Lock()

            def say(message: dict[str, Any]) -> None:
                with lock:
                    _send(agent, message)

            say(program)
            unsubscribe = feed.subscribe(lambda notice: say(_notice(notice)))
            try:
                interrupted = _take_all(agent, listener, say)
            finally:
                unsubscribe()
                with lock:
                    _hang_up(agent)
            listener.close(program["steps"], agent.wait(), _last_words(agent))
        if interrupted:
            raise KeyboardInterrupt

    @contextmanager
    def _agent(self, subcommand: str) -> Iterator[_Process]:
        """The agent in a session of its own: a Ctrl-C at the terminal must not cut off its steps."""
        agent_file = agent_zipapp(self._state / "agent")
        pipe = subprocess.PIPE
        agent = subprocess.Popen(
            [sys.executable, "-I", "-S", str(agent_file), subcommand],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
            start_new_session=True,
        )
        with agent:
            yield agent


def _send(agent: _Process, message: dict[str, Any]) -> None:
    """One line to the agent; when it has ended, its answers say so."""
    if agent.stdin and not agent.stdin.closed:
        with suppress(BrokenPipeError):
            agent.stdin.write(json.dumps(message) + "\n")
            agent.stdin.flush()


def _hang_up(agent: _Process) -> None:
    if agent.stdin:
        with suppress(BrokenPipeError):
            agent.stdin.close()


def _notice(notice: ImageNotice) -> dict[str, Any]:
    return {
        "image": notice.image,
        "state": notice.state,
        "why": notice.why,
        "id": notice.id,
        "origins": list(notice.origins),
    }


def _lines(agent: _Process) -> Iterator[str]:
    return iter(agent.stdout or ())


def _answer(line: str, host: str) -> dict[str, Any]:
    """Raises HostError when the agent says that it cannot work."""
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise HostError(Problem(answer["error"], Place(host)))
    return answer


def _last_words(agent: _Process) -> str:
    """What a broken agent said last."""
    said = agent.stderr.read().strip() if agent.stderr else ""
    return said.splitlines()[-1] if said else "it said nothing"


def _take_all(agent: _Process, listener: _Listener, say: Callable[[dict[str, Any]], None]) -> bool:
    """Hear the agent to its end; True when an interrupt came meanwhile (a second one is raised at once).

    A thread reads, so that an interrupt never hits a line that is half read.
    """
    lines: SimpleQueue[str | None] = SimpleQueue()

    def pump() -> None:
        for line in _lines(agent):
            lines.put(line)
        lines.put(None)

    threading.Thread(target=pump, daemon=True).start()
    interrupted = False
    while True:
        try:
            line = lines.get()
            if line is None:
                return interrupted
            listener.take(_answer(line, listener.host))
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
            say({"stop": True})


@dataclass
class _Listener:
    """Turns an agent's answers into events and the run."""

    run: Run
    host: str
    tell: Tell
    open: dict[str, float] = field(default_factory=dict)
    """Steps that were started and have not ended → when."""

    def take(self, answer: dict[str, Any]) -> None:
        if answer.get("kind") != "step":
            return
        event = Event(
            "step",
            answer["id"],
            answer["state"],
            seconds=answer.get("seconds", 0.0),
            message=answer.get("message", ""),
            log=tuple(answer.get("log", ())),
            host=self.host,
            at=answer["at"],
        )
        self._record(event)

    def _record(self, event: Event) -> None:
        if event.state == "started":
            self.open[event.id] = event.at
        else:
            self.open.pop(event.id, None)
        if event.state == "done":
            self.run.done[event.id] = event.seconds
        elif event.state == "failed":
            self.run.failed[event.id] = event
        elif event.state == "skipped":
            self.run.skipped += (event.id,)
        self.tell(event)

    def close(self, steps: Sequence[dict[str, Any]], code: int, words: str) -> None:
        """Account for every step, also when the agent died: what ran has failed, the rest did not run."""
        message = f"the agent on `{self.host}` ended with code {code} while this step ran: {words}"
        for name, began in list(self.open.items()):
            now = time.time()
            self._record(Event("step", name, "failed", now - began, message, host=self.host, at=now))
        known = {*self.run.done, *self.run.failed, *self.run.skipped}
        for step in steps:
            if step["id"] not in known:
                self._record(Event("step", step["id"], "skipped", host=self.host, at=time.time()))


def read_archive(path: str, answer: dict[str, Any]) -> Archive:
    """Archive from the agent's answer."""
    known = {key: answer[key] for key in ("cloud", "at", "volumes", "jobs")}
    return _ARCHIVE.validate_python({"path": path, **known})


def read_host(name: str, answer: dict[str, Any]) -> ObservedHost:
    """ObservedHost from the agent's answer."""
    containers = {
        which: {key: {**value, "host": name} for key, value in answer.get(which, {}).items()}
        for which in ("workloads", "beside")
    }
    return _HOST.validate_python({**answer, "name": name, **containers})
