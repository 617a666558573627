"""Program → changes on this host: its graph of steps, as parallel as needs allow, journalled."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from mastic.agent import archive, jobs, leave, relocate, restore, verbs
from mastic.agent.engine import EngineError
from mastic.agent.files import MissingSecret
from mastic.agent.health import NotServing
from mastic.agent.journal import Journal
from mastic.agent.space import in_words
from mastic.agent.verbs import Cancelled, Step, StepFailed, Verb, Work

VERBS: dict[str, Verb] = {
    "pull": verbs.pull,
    "write": verbs.write,
    "volume": relocate.volume,
    "move": relocate.move,
    "backup": archive.backup,
    "restore": restore.restore,
    "bind": leave.bind,
    "run": jobs.run,
    "start": verbs.start,
    "replace": verbs.replace,
    "restart": verbs.restart,
    "reload": verbs.reload,
    "stop": leave.stop,
    "remove": leave.remove,
}
PARALLEL = 8
EXPECTED = (StepFailed, NotServing, EngineError, MissingSecret, OSError)
Say = Callable[[dict[str, Any]], None]
if TYPE_CHECKING:
    Ended = SimpleQueue[tuple[Step, Future[tuple[str, float]]] | None]


@dataclass
class Performance:
    """A program while it runs; only the thread that calls `run` changes it."""

    work: Work
    journal: Journal
    say: Say
    ended: Ended
    """Steps as they end; None asks to start nothing new."""
    done: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    stopping: bool = False

    def run(self) -> dict[str, Any]:
        """Start every step whose needs are done; after a failure let those that run end. Returns the result."""
        waiting = {step["id"]: step for step in self.work.program["steps"]}
        pulls = sum(step["verb"] == "pull" for step in waiting.values())
        running: set[str] = set()
        parallel = int(self.work.program.get("parallel") or PARALLEL)
        # Waiting for an image takes no place from steps that work.
        with ThreadPoolExecutor(parallel) as workers, ThreadPoolExecutor(max(1, pulls)) as waiters:
            while True:
                for step in [] if self.stopping else self.ready(waiting):
                    running.add(waiting.pop(step["id"])["id"])
                    self.submit(waiters if step["verb"] == "pull" else workers, step)
                if not running:
                    break
                self.take(running)
        for name in waiting:
            self.skip(name)
        return {"done": self.done, "failed": self.failed, "skipped": self.skipped}

    def ready(self, waiting: dict[str, Step]) -> list[Step]:
        return [step for step in waiting.values() if all(need in self.done for need in step.get("needs", ()))]

    def submit(self, pool: ThreadPoolExecutor, step: Step) -> None:
        future = pool.submit(self.perform, step)
        future.add_done_callback(lambda ended: self.ended.put((step, ended)))

    def perform(self, step: Step) -> tuple[str, float]:
        """Runs in a thread: message and seconds of a step that was done."""
        if self.stopping:
            raise Cancelled
        began = time.monotonic()
        self.journal.write(step=step["id"], state="started")
        self.tell(step["id"], "started")
        message = VERBS[step["verb"]](self.work, step)
        return message, time.monotonic() - began

    def take(self, running: set[str]) -> None:
        """Wait for the next step to end, or for the word to stop."""
        item = self.ended.get()
        if item is None:
            self.stopping = True
            return
        step, future = item
        running.discard(step["id"])
        error = future.exception()
        if error is None:
            message, seconds = future.result()
            self.done[step["id"]] = round(seconds, 3)
            self.journal.write(step=step["id"], state="done", message=message)
            self.tell(step["id"], "done", seconds=round(seconds, 3), message=message)
        elif isinstance(error, Cancelled):
            self.skip(step["id"])
        else:
            self.fail(step, error)

    def fail(self, step: Step, error: BaseException) -> None:
        self.failed.append(step["id"])
        site = self.work.site
        message, log = explain(error, (site.config, site.records.folder))
        self.journal.write(step=step["id"], state="failed", message=message)
        self.tell(step["id"], "failed", message=message, log=log)
        if not self.stopping:
            self.work.notices.stop()
        self.stopping = True

    def skip(self, name: str) -> None:
        self.skipped.append(name)
        self.journal.write(step=name, state="skipped")
        self.tell(name, "skipped")

    def tell(self, name: str, state: str, **more: Any) -> None:
        self.say({"kind": "step", "id": name, "state": state, "at": time.time(), **more})


def explain(error: BaseException, folders: Iterable[Path] = ()) -> tuple[str, list[str]]:
    """Message and log lines of a failure; what nobody expected is a bug of the agent and shows where.

    `folders` are those that steps write to.
    """
    if isinstance(error, OSError):
        return in_words(error, folders), []
    if isinstance(error, EXPECTED):
        return str(error), list(getattr(error, "log", []))
    lines = "".join(traceback.format_exception(type(error), error, error.__traceback__)).splitlines()
    return f"bug in the agent: {lines[-1]}", lines[-20:]
