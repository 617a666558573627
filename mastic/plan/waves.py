"""Cut a plan into waves: in one wave no host waits for another, so each host gets one self-contained program."""

from __future__ import annotations

from dataclasses import replace

from mastic.model.plan import Plan, Step


def waves(plan: Plan) -> tuple[Plan, ...]:
    """The fewest waves that keep every need; a plan for a single host is one wave.

    In each wave's plan a step's needs name only steps of that wave (those of earlier waves are done).
    """
    level: dict[str, int] = {}
    host: dict[str, str] = {}
    cut: list[list[Step]] = []
    for step in plan.steps:
        here = max((level[need] + (host[need] != step.host) for need in step.needs), default=0)
        level[step.id], host[step.id] = here, step.host
        cut.extend([] for _ in range(here + 1 - len(cut)))
        cut[here].append(replace(step, needs=tuple(need for need in step.needs if level[need] == here)))
    return tuple(replace(plan, steps=tuple(steps)) for steps in cut)
