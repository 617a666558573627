"""Plan → text: grouped by service, with cause, impact and risk, counts and the next command."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mastic.model.plan import Plan, Step
from mastic.report.progress import about, amount, columns

CARRIES_FILES = ("start", "replace", "restart", "reload")
"""Verbs after which a workload runs with the files that a step before them wrote."""
WIDTH = 44
"""Names of one row are cut after so many characters; `--steps` names all."""
WORDS = {
    "run": "run",
    "volume": "create volume",
    "move": "move volume",
    "backup": "back up volume",
    "restore": "restore volume",
    "write": "write files of",
    "remove": "remove",
    "beside": "replace",
    "bind": "bring requests to",
}


@dataclass(frozen=True)
class Row:
    """Steps of a service that are shown as one line."""

    group: str
    verb: str
    cause: str
    impact: str
    risk: str
    reversible: bool


def plan_text(plan: Plan, next_step: bool = True) -> str:
    """The overview a person decides with; same plan, same text. `next_step` says how to carry it out."""
    if not plan:
        return "\n".join([f"Plan for `{plan.cloud}`: nothing to do", *staying_lines(plan)])
    lines = [headline(plan)]
    lines += columns(overview_rows(plan))
    lines += data_loss_lines(plan)
    lines += staying_lines(plan)
    if next_step:
        lines.append(f"Apply with `{next_command(plan)}`; every step: `mastic plan --steps`")
    return "\n".join(lines)


def steps_text(plan: Plan, next_step: bool = True) -> str:
    """Every step with its cause, in the order in which they could run."""
    if not plan:
        return "\n".join([f"Plan for `{plan.cloud}`: nothing to do", *staying_lines(plan)])
    rows = [
        (f"{number}", step.id, step.cause, notes(step.impact, step.risk, step.reversible))
        for number, step in enumerate(plan.steps, 1)
    ]
    ending = [f"Apply with `{next_command(plan)}`"] if next_step else []
    return "\n".join([headline(plan), *columns(rows), *data_loss_lines(plan), *staying_lines(plan), *ending])


def headline(plan: Plan) -> str:
    """`Plan for `lab`: 14 steps on 3 hosts, no data at risk, can be undone`."""
    hosts = len({step.host for step in plan.steps})
    risk = "DELETES DATA" if endangered(plan) else "no data at risk"
    lasting = sum(not step.reversible for step in plan.steps)
    undo = f", {amount(lasting, 'step')} cannot be undone" if lasting else ""
    away = sum(step.impact == "interrupts" for step in plan.steps)
    impact = f", {amount(away, 'interruption')}" if away else ""
    time = f", about {about(plan.seconds)}" if plan.seconds is not None else ""
    steps = f"{amount(len(plan.steps), 'step')} on {amount(hosts, 'host')}"
    return f"Plan for `{plan.cloud}`: {steps}, {risk}{impact}{undo}{time}"


def counts(plan: Plan) -> dict[str, int]:
    """How many steps of each verb."""
    return dict(sorted(Counter(step.verb for step in plan.steps).items()))


def endangered(plan: Plan) -> list[Step]:
    """Steps that delete data."""
    return [step for step in plan.steps if step.risk == "data-loss"]


def next_command(plan: Plan) -> str:
    """What carries the plan out."""
    return "mastic apply --allow data-loss" if endangered(plan) else "mastic apply"


def data_loss_lines(plan: Plan) -> list[str]:
    """Name every deletion of data, never only a count."""
    return [f"  DELETES DATA: {subject(step)} on `{step.host}` ({step.cause})" for step in endangered(plan)]


def staying_lines(plan: Plan) -> list[str]:
    """Name the data that nobody wants any more."""
    if not plan.stays:
        return []
    return [f"  stays, and would go with `--allow data-loss`: {', '.join(plan.stays)}"]


def subject(step: Step) -> str:
    """What a step is about, without its host."""
    return step.resource.rpartition("@")[0] or step.resource


def overview_rows(plan: Plan) -> list[tuple[str, str, str, str]]:
    """(service, what, cause, notes); a service is named once."""
    many_hosts = len({step.host for step in plan.steps}) > 1
    rows: list[tuple[str, str, str, str]] = []
    pulls = {subject(step) for step in plan.steps if step.verb == "pull"}
    if pulls:
        rows.append(("images", f"bring {amount(len(pulls), 'image')}", "build what no engine has", ""))
    previous = ""
    for row, steps in sorted(grouped(plan).items(), key=lambda item: item[0].group):
        name = "" if row.group == previous else row.group
        previous = row.group
        said = "no interruption" if row.verb == "beside" else notes(row.impact, row.risk, row.reversible)
        rows.append((name, what(row, steps, many_hosts), row.cause, said))
    return rows


def grouped(plan: Plan) -> dict[Row, list[Step]]:
    """Steps by row in plan order; pulls and writes that a later row tells anyway are left out."""
    carried: dict[str, set[str]] = {}
    for step in plan.steps:
        if step.verb in (*CARRIES_FILES, "run", "remove"):
            carried.setdefault(step.resource, {"not there yet"}).add(step.cause)
    beside = {(step.resource, step.cause) for step in plan.steps if step.detail.get("beside")}
    rows: dict[Row, list[Step]] = {}
    for step in plan.steps:
        if step.verb == "pull" or (step.verb == "write" and step.cause in carried.get(step.resource, ())):
            continue
        if step.verb in ("bind", "remove") and (step.resource, step.cause) in beside:
            continue
        verb = "beside" if step.detail.get("beside") else step.verb
        row = Row(step.group, verb, step.cause, step.impact, step.risk, step.reversible)
        rows.setdefault(row, []).append(step)
    return rows


def what(row: Row, steps: list[Step], many_hosts: bool) -> str:
    """`start glance-api on ctl1, ctl2`."""
    prefix = f"{row.group}/"
    names = shortened(dict.fromkeys(subject(step).removeprefix(prefix) for step in steps))
    hosts = f" on {', '.join(dict.fromkeys(step.host for step in steps))}" if many_hosts else ""
    return f"{WORDS.get(row.verb, row.verb)} {names}{hosts}"


def shortened(names: dict[str, None]) -> str:
    """Names joined by commas, the rest counted when they are too long for a row."""
    shown: list[str] = []
    for name in names:
        if shown and len(", ".join([*shown, name])) > WIDTH:
            return f"{', '.join(shown)} and {len(names) - len(shown)} more"
        shown.append(name)
    return ", ".join(shown)


def notes(impact: str, risk: str, reversible: bool) -> str:
    """What a person must know beside the cause."""
    said = {"none": "", "minor": "a short delay", "interrupts": "interrupts"}[impact]
    parts = [said, "DELETES DATA" if risk == "data-loss" else "", "" if reversible else "cannot be undone"]
    return ", ".join(part for part in parts if part)
