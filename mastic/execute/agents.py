"""AgentExecutor: everything an executor does, said in terms of agents that answer (Plan → Run)."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from pydantic import TypeAdapter

from mastic.errors import HostError
from mastic.execute.conversation import NO_WAY, Agent, Listener, Message, Part, answers, converse, heard, skip_all
from mastic.execute.executor import Collected, Tell
from mastic.execute.feed import ImageFeed
from mastic.execute.program import compile_checks, compile_program
from mastic.model.desired import Desired
from mastic.model.observed import Observed, ObservedHost
from mastic.model.plan import Plan
from mastic.model.run import Run
from mastic.plan.around import Archive
from mastic.plan.waves import waves

_HOST = TypeAdapter(ObservedHost)
_ARCHIVE = TypeAdapter(Archive)


class AgentExecutor(ABC):
    """What is common to every way of reaching agents."""

    def __init__(self, cloud: str) -> None:
        self._cloud = cloud

    @abstractmethod
    def agents(self, subcommand: str, hosts: Sequence[str]) -> AbstractContextManager[Mapping[str, Agent]]:
        """One agent per host, all begun with the same subcommand; they are ended with the context."""

    def observe(self, hosts: Sequence[str]) -> Observed:
        """What is on the hosts; a host that does not answer is told with its reason."""
        found: dict[str, ObservedHost] = {}
        raw: dict[str, Any] = {}
        silent: dict[str, str] = {}
        with self.agents("observe", hosts) as agents:
            for agent in agents.values():
                agent.send(self._program())
                agent.hang_up()
            for name, agent in agents.items():
                try:
                    answer = next(heard(agent, name))
                except HostError as error:
                    silent[name] = error.problems[0].message.removeprefix(NO_WAY.format(name))
                else:
                    raw[name] = answer["host"]
                    found[name] = read_host(name, answer["host"])
        return Observed(found, silent, raw)

    def perform(self, plan: Plan, desired: Desired, secrets: Mapping[str, str], feed: ImageFeed, tell: Tell) -> Run:
        """Carry out a plan, wave by wave; after a failure no further wave begins.

        An interrupt lets the steps that run come to their end, then it is raised again.
        """
        run = Run(id=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
        for wave in waves(plan):
            if run.failed or run.skipped:
                skip_all(run, tell, {step.id: step.host for step in wave.steps})
                continue
            hosts = tuple(dict.fromkeys(step.host for step in wave.steps))
            with self.agents("perform", hosts) as agents:
                programs = {host: compile_program(wave, desired, host, secrets) for host in hosts}
                parts = [Part(host, agents[host], programs[host], Listener(run, host, tell)) for host in hosts]
                if converse(parts, feed):
                    raise KeyboardInterrupt
        return run

    def logs(self, host: str, container: str, lines: int, follow: bool) -> Iterator[str]:
        """Lines of a container's log. Raises HostError when there is no such container."""
        program = self._program(container=container, lines=lines, follow=follow)
        with self.agents("logs", (host,)) as agents:
            for answer in answers(agents[host], program, host):
                yield answer["line"]

    def exec(self, host: str, container: str, command: tuple[str, ...], seconds: float) -> tuple[int, str]:
        """Exit code (124 when it did not end in time) and output of a command in a container. Raises HostError."""
        answer = self._ask("exec", host, container=container, argv=list(command), seconds=seconds)
        return answer["code"], answer["output"]

    def check(self, host: str, desired: Desired, secrets: Mapping[str, str]) -> dict[str, str]:
        """What is wrong with the effects of jobs that say how to tell. Raises HostError."""
        more = compile_checks(desired, host, secrets)
        return dict(self._ask("check", host, **more)["wrong"]) if more["jobs"] else {}

    def cleanup(self, host: str) -> None:
        """Remove configuration and records; while containers stand they stay. Raises HostError."""
        self._ask("cleanup", host)

    def keep(self, host: str, content: bytes) -> None:
        """Put a copy of the state into the agent's folder. Raises HostError."""
        self._ask("keep", host, content=b64encode(content).decode())

    def kept(self, host: str) -> bytes | None:
        """The copy in the agent's folder. Raises HostError."""
        answer = self._ask("kept", host)
        return b64decode(answer["content"]) if answer["content"] is not None else None

    def collect(self, host: str, images: Sequence[str], remove: bool) -> Collected:
        """Sizes of images, and their removal. Raises HostError."""
        answer = self._ask("collect", host, images=list(images), remove=remove)
        return Collected(answer["sizes"], tuple(answer["in_use"]))

    def sizes(self, host: str) -> dict[str, int]:
        """Bytes of each volume. Raises HostError."""
        return dict(self._ask("sizes", host)["sizes"])

    def archive(self, host: str, path: str) -> Archive:
        """What a backup says of itself. Raises HostError."""
        return read_archive(path, self._ask("manifest", host, archive=path))

    def _ask(self, subcommand: str, host: str, **more: Any) -> Message:
        """The one answer to a question."""
        with self.agents(subcommand, (host,)) as agents:
            return next(answers(agents[host], self._program(**more), host))

    def _program(self, **more: Any) -> Message:
        paths = {"config": f"/etc/mastic/clouds/{self._cloud}", "agent": f"/var/lib/mastic-agent/{self._cloud}"}
        return {"cloud": self._cloud, "paths": paths, **more}


def read_archive(path: str, answer: Message) -> Archive:
    """Archive from the agent's answer."""
    known = {key: answer[key] for key in ("cloud", "at", "volumes", "jobs")}
    return _ARCHIVE.validate_python({"path": path, **known})


def read_host(name: str, answer: Message) -> ObservedHost:
    """ObservedHost from the agent's answer."""
    containers = {
        which: {key: {**value, "host": name} for key, value in answer.get(which, {}).items()}
        for which in ("workloads", "beside")
    }
    return _HOST.validate_python({**answer, "name": name, **containers})
