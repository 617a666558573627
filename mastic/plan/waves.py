"""Cut a plan into waves: in one wave no host waits for another, so each host gets one self-contained program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mastic.model.plan import Plan, Step


def waves(plan: Plan) -> tuple[Plan, ...]:
    """The fewest waves that keep every need, and in one wave what runs together; a plan for one host is one wave.

    In each wave's plan a step's needs name only steps of that wave (those of earlier waves are done).
    """
    level = _levels(plan)
    cut: list[list[Step]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for step in plan.steps:
        here = level[step.id]
        cut[here].append(replace(step, needs=tuple(need for need in step.needs if level[need] == here)))
    return tuple(replace(plan, steps=tuple(steps)) for steps in cut)


def _levels(plan: Plan) -> dict[str, int]:
    """Step → number of its wave: what runs together is put off until all of it can run."""
    floors: dict[str, int] = {}
    while True:
        level = _levels_above(plan, floors)
        reached: dict[str, int] = {}
        for step in plan.steps:
            if step.together:
                reached[step.together] = max(reached.get(step.together, 0), level[step.id])
        if reached == floors:
            return level
        floors = reached


def _levels_above(plan: Plan, floors: Mapping[str, int]) -> dict[str, int]:
    level: dict[str, int] = {}
    host: dict[str, str] = {}
    for step in plan.steps:
        first = floors.get(step.together, 0)
        level[step.id] = max((level[need] + (host[need] != step.host) for need in step.needs), default=0)
        level[step.id], host[step.id] = max(first, level[step.id]), step.host
    return level
