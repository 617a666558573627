"""JsonReport: what happens as JSON lines on standard output, for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from threading import RLock
from typing import Any

from mastic.errors import Place, Problem
from mastic.model.desired import Desired
from mastic.model.plan import Plan
from mastic.model.run import Event
from mastic.report.plain import Streams
from mastic.report.plan_text import counts
from mastic.report.progress import Progress


@dataclass
class JsonReport:
    """A report for programs: one object per line, its sort in `type`."""

    streams: Streams = field(default_factory=Streams)
    events: bool = True
    """False for commands that give one answer: only it is written."""
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        self._lock = RLock()

    def __enter__(self) -> JsonReport:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def plan(self, plan: Plan, desired: Desired) -> None:
        self.progress.expect(plan, desired)
        self._write("plan", plan_object(plan))

    def event(self, event: Event) -> None:
        with self._lock:
            self.progress.note(event, event.at)
            if self.events:
                self._write("event", asdict(event))

    def problems(self, problems: Iterable[Problem]) -> None:
        self._write("problems", {"problems": [problem_object(problem) for problem in problems]})

    def say(self, text: str) -> None:
        if self.events:
            self._write("say", {"text": text})

    def data(self, value: object) -> None:
        self._write("result", {"result": value})

    def _write(self, type: str, value: dict[str, Any]) -> None:
        line = json.dumps({"type": type, **value}, ensure_ascii=False, default=str)
        with self._lock:
            print(line, file=self.streams.out, flush=True)


def plan_object(plan: Plan) -> dict[str, Any]:
    """A plan as plain JSON; a step's `detail` is for agents and stays out."""
    steps = [{key: value for key, value in asdict(step).items() if key != "detail"} for step in plan.steps]
    return {
        "cloud": plan.cloud,
        "empty": not plan,
        "counts": counts(plan),
        "images": plan.images,
        "seconds": plan.seconds,
        "stays": plan.stays,
        "steps": steps,
    }


def problem_object(problem: Problem) -> dict[str, Any]:
    """A problem as plain JSON."""
    place = problem.place or Place("")
    return {"message": problem.message, "where": place.where or None, "line": place.line, "hint": problem.hint}
