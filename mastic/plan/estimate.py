"""Plan × how long steps took in earlier runs → seconds it will take; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from mastic.model.plan import Plan, Step

Durations = Mapping[str, Sequence[float]]
"""`step <id>` or `image <name>` → seconds in earlier runs."""


def with_estimate(plan: Plan, durations: Durations) -> Plan:
    """The plan with the time it will take, when earlier runs tell."""
    return replace(plan, seconds=estimate(plan, durations))


def estimate(plan: Plan, durations: Durations) -> float | None:
    """Length of the longest chain of steps, images included; None when fewer than half of the steps are known.

    A step takes the median of what it took before, else the median of its verb.
    """
    learnt = _Learnt(durations)
    known = {step.id: learnt.seconds(step) for step in plan.steps}
    if not plan.steps or sum(each is not None for each in known.values()) * 2 < len(plan.steps):
        return None
    built = max((learnt.image(name) for name in plan.images), default=0.0)
    ends: dict[str, float] = {}
    for step in plan.steps:
        begins = max((ends[need] for need in step.needs if need in ends), default=0.0)
        ends[step.id] = begins + (built if step.verb == "pull" else known[step.id] or 0.0)
    return round(max(ends.values()), 1)


class _Learnt:
    """Medians of earlier runs."""

    def __init__(self, durations: Durations) -> None:
        self.durations = durations
        by_verb: dict[str, list[float]] = {}
        for name, seconds in durations.items():
            kind, _, id = name.partition(" ")
            if kind == "step":
                by_verb.setdefault(id.partition(":")[0], []).extend(seconds)
        self.verbs = {verb: median(seconds) for verb, seconds in by_verb.items()}

    def seconds(self, step: Step) -> float | None:
        same = self.durations.get(f"step {step.id}")
        return median(same) if same else self.verbs.get(step.verb)

    def image(self, name: str) -> float:
        """Seconds of a build; the median of all when this image was never built here."""
        same = self.durations.get(f"image {name}")
        every = [each for key, seconds in self.durations.items() if key.startswith("image ") for each in seconds]
        return median(same or every or [0.0])
