"""Programs ↔ the agents of several hosts at once: what they are told and what they answer becomes the run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Condition
from typing import Any, Protocol

from mastic.errors import HostError, Place, Problem
from mastic.execute.executor import Tell
from mastic.execute.feed import ImageFeed, ImageNotice
from mastic.model.run import Event, Run

Message = dict[str, Any]


class Agent(Protocol):
    """An agent that runs on a host; any thread may send."""

    def streams(self) -> bool:
        """Whether it hears notices while it works; else all of them have to come before it begins. May wait."""
        ...

    def send(self, message: Message) -> None:
        """One line to the agent; when it has ended, its answers say so."""
        ...

    def hang_up(self) -> None:
        """Nothing more will be sent."""
        ...

    def lines(self) -> Iterator[str]:
        """What it answers, until it ends."""
        ...

    def end(self) -> tuple[int, str]:
        """Exit code and last words of one that has ended."""
        ...


@dataclass(frozen=True)
class Part:
    """One host's part of a wave."""

    host: str
    agent: Agent
    program: Message
    listener: Listener
    news: Condition = field(default_factory=Condition)
    """Told of every notice and of the agent's end."""


def converse(parts: Sequence[Part], feed: ImageFeed) -> bool:
    """Hear all agents to their ends; True when an interrupt came meanwhile (a second one is raised at once).

    Threads read, so that an interrupt never hits a line that is half read. Raises HostError for every agent that says
    that it cannot work, once all have ended.
    """
    lines: SimpleQueue[tuple[Part, str | None]] = SimpleQueue()
    refused: list[Problem] = []
    with ThreadPoolExecutor(2 * len(parts), thread_name_prefix="host") as pool:
        work = [pool.submit(_speak, part, feed) for part in parts]
        work += [pool.submit(_pump, part, lines) for part in parts]
        interrupted = _take_all(parts, lines, refused)
    for each in work:
        each.result()
    if refused:
        raise HostError(refused)
    return interrupted


def _speak(part: Part, feed: ImageFeed) -> None:
    """Send the program, then every notice as it comes."""
    heard = set[str]()

    def tell(notice: ImageNotice) -> None:
        part.agent.send(notice_message(notice))
        with part.news:
            heard.add(notice.image)
            part.news.notify_all()

    unsubscribe: Callable[[], None] = _nothing
    try:
        part.agent.send(part.program)
        unsubscribe = feed.subscribe(tell)
        if not part.agent.streams():
            awaited = {step["detail"]["image"] for step in part.program["steps"] if step["verb"] == "pull"}
            with part.news:
                part.news.wait_for(lambda: awaited <= heard or part.listener.ended)
            part.agent.hang_up()
    finally:
        part.listener.unsubscribe.put(unsubscribe)


def _nothing() -> None:
    """There is nothing to end."""


def _pump(part: Part, lines: SimpleQueue[tuple[Part, str | None]]) -> None:
    try:
        for line in part.agent.lines():
            lines.put((part, line))
    finally:
        lines.put((part, None))


def _take_all(parts: Sequence[Part], lines: SimpleQueue[tuple[Part, str | None]], refused: list[Problem]) -> bool:
    interrupted, open_parts = False, len(parts)
    while open_parts:
        try:
            part, line = lines.get()
            if line is None:
                _close(part)
                open_parts -= 1
            else:
                _take(part, line, refused)
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
            for each in parts:
                each.agent.send({"stop": True})
    return interrupted


def _take(part: Part, line: str, refused: list[Problem]) -> None:
    try:
        part.listener.take(answer_of(line, part.host))
    except HostError as error:
        refused += error.problems


def _close(part: Part) -> None:
    with part.news:
        part.listener.ended = True
        part.news.notify_all()
    part.listener.unsubscribe.get()()
    part.agent.hang_up()
    part.listener.close(part.program["steps"], *part.agent.end())


def notice_message(notice: ImageNotice) -> Message:
    return {
        "image": notice.image,
        "state": notice.state,
        "why": notice.why,
        "id": notice.id,
        "origins": list(notice.origins),
    }


def answer_of(line: str, host: str) -> Message:
    """Raises HostError when the agent says that it cannot work."""
    answer: Message = json.loads(line)
    if "error" in answer:
        raise HostError(Problem(answer["error"], Place(host)))
    return answer


def answers(agent: Agent, program: Message, host: str) -> Iterator[Message]:
    """Every answer to one question. Raises HostError when the agent broke."""
    agent.send(program)
    agent.hang_up()
    return heard(agent, host)


def heard(agent: Agent, host: str) -> Iterator[Message]:
    """What an agent that was asked answers. Raises HostError when it broke."""
    for line in agent.lines():
        yield answer_of(line, host)
    code, words = agent.end()
    if code:
        raise broken(host, code, words)


UNREACHABLE = 255
"""What ssh ends with when it has no connection; the same code for every way to a host."""


NO_WAY = "host `{}` cannot be reached: "


def broken(host: str, code: int, words: str) -> HostError:
    """An agent that ended without having done what it was asked."""
    if code == UNREACHABLE:
        return HostError(Problem(NO_WAY.format(host) + words, Place(host)))
    return HostError(Problem(f"the agent on `{host}` broke: {words}", Place(host)))


def skip_all(run: Run, tell: Tell, steps: Mapping[str, str]) -> None:
    """Note steps (id → host) that no longer run, because something before them failed."""
    for name, host in steps.items():
        Listener(run, host, tell).record(Event("step", name, "skipped", host=host, at=time.time()))


@dataclass
class Listener:
    """Turns an agent's answers into events and the run."""

    run: Run
    host: str
    tell: Tell
    open: dict[str, float] = field(default_factory=dict)
    """Steps that were started and have not ended → when."""
    ended: bool = False
    unsubscribe: SimpleQueue[Callable[[], None]] = field(default_factory=SimpleQueue)
    """Takes the word that ends the agent's notices, once they have begun."""

    def take(self, answer: Message) -> None:
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
        self.record(event)

    def record(self, event: Event) -> None:
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

    def close(self, steps: Sequence[Message], code: int, words: str) -> None:
        """Account for every step, also when the agent died: what ran has failed, the rest did not run."""
        message = f"the agent on `{self.host}` ended with code {code} while this step ran: {words}"
        for name, began in list(self.open.items()):
            now = time.time()
            self.record(Event("step", name, "failed", now - began, message, host=self.host, at=now))
        known = {*self.run.done, *self.run.failed, *self.run.skipped}
        for step in steps:
            if step["id"] not in known:
                self.record(Event("step", step["id"], "skipped", host=self.host, at=time.time()))
