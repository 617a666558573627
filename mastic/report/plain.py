"""PlainReport: one line per finished step, readable in any terminal and in a CI log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import RLock, Thread
from time import monotonic
from typing import TextIO

from mastic.errors import Problem
from mastic.model.desired import Desired
from mastic.model.plan import Plan
from mastic.model.run import Event
from mastic.report.plan_text import plan_text, steps_text
from mastic.report.progress import Progress, duration, title

QUIET_SECONDS = 8.0
"""After so long without a line one is written that names what runs; ten seconds is the promise."""


@dataclass(frozen=True)
class Streams:
    """Where a report writes: results on `out`, talk on `err`."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)


@dataclass
class PlainReport:
    """A report as lines of text; a thread keeps it from being silent (`with report: ...`)."""

    streams: Streams = field(default_factory=Streams)
    all_steps: bool = False
    """Plans list every step."""
    plan_is_data: bool = False
    """The plan is the result of the command, so it goes to standard output."""
    clock: Callable[[], float] = monotonic
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        self._lock = RLock()
        self._began = self._last_line = self.clock()
        self._stop = Flag()
        self._heart: Thread | None = None

    def __enter__(self) -> PlainReport:
        self._heart = Thread(target=self._beat, name="report", daemon=True)
        self._heart.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._heart:
            self._heart.join()

    def plan(self, plan: Plan, desired: Desired) -> None:
        with self._lock:
            self.progress.expect(plan, desired)
        show = steps_text if self.all_steps else plan_text
        text = show(plan, next_step=self.plan_is_data)
        if self.plan_is_data:
            self.data(text)
        else:
            self.say(text)

    def event(self, event: Event) -> None:
        with self._lock:
            self.progress.note(event, self.clock())
            if line := self._line(event):
                self._write(line)
            for text in event.log:
                self._write(f"          | {text}")

    def problems(self, problems: Iterable[Problem]) -> None:
        with self._lock:
            for problem in problems:
                self._write(str(problem))

    def say(self, text: str) -> None:
        with self._lock:
            self._write(text)

    def data(self, value: object) -> None:
        print(value, file=self.streams.out, flush=True)

    def tick(self) -> None:
        """Write a line when it was quiet for too long and something runs."""
        with self._lock:
            now = self.clock()
            if now - self._last_line < QUIET_SECONDS or not self.progress.running:
                return
            self._write(f"{self._stamp()}  {self._count()}still running: {self.progress.sentence(now)}")

    def _beat(self) -> None:
        while not self._stop.wait(1.0):
            self.tick()

    def _write(self, text: str) -> None:
        self._last_line = self.clock()
        print(text, file=self.streams.err, flush=True)

    def _stamp(self) -> str:
        return f"{self.clock() - self._began:7.1f} s"

    def _count(self) -> str:
        return f"[{self.progress.steps_done}/{self.progress.steps}] " if self.progress.steps else ""

    def _line(self, event: Event) -> str | None:
        """The line for an event; steps that only begin or go on get none."""
        what = title(event.kind, event.id)
        said = f": {event.message}" if event.message else ""
        if event.state in ("started", "progress"):
            shown = event.kind == "phase" or (event.state == "progress" and event.kind == "check")
            return f"{self._stamp()}  {what}{said or ' …'}" if shown else None
        if event.state == "skipped":
            return f"{self._stamp()}  skipped {what}{said}"
        count = self._count() if event.kind == "step" else ""
        return f"{self._stamp()}  {count}{event.state} {what} in {duration(event.seconds)}{said}"
