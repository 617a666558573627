"""Generation → plan → generation: the ways back (`rollback`), on (`resume`), and home (`recover`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mastic.build.recipes import graph_of
from mastic.errors import BuildError, HostError, InputError, MasticError, Place, Problem, StepError, VerifyError
from mastic.history.history import operator, previous
from mastic.history.keeping import unpack
from mastic.hosts import remember_reach
from mastic.load.strict import read_yaml
from mastic.model.generation import Generation, Head, Intent
from mastic.model.goal import Goal
from mastic.model.observed import Observed
from mastic.pipeline import Approve, Where, apply, site_of
from mastic.plan.departed import with_departed
from mastic.plan.estimate import with_estimate
from mastic.plan.reconcile import reconcile
from mastic.plan.saved import SavedPlan
from mastic.report.phase import phase
from mastic.report.report import Report
from mastic.undertaking import Outcome, Site, Undertaking, carry_out, standing, take_away


def cloud_of(where: Where) -> Site:
    """The cloud's things even when its definition is broken or gone: a way back must not need it.

    Raises InputError when nothing says which cloud is meant.
    """
    name = _name_in(where)
    if name is None:
        known = sorted(path.parent.name for path in where.state.glob("*/history"))
        if len(known) != 1:
            told = ", ".join(f"`{each}`" for each in known) or "none"
            message = f"no definition says which cloud is meant; clouds with a history: {told}"
            raise InputError(Problem(message, Place(str(where.cloud)), "say the definition with `--cloud FILE`"))
        name = known[0]
    remember_reach(where.cloud, where.state / name)
    return site_of(where, name)


def _name_in(where: Where) -> str | None:
    """What the definition says under `cloud`, however wrong the rest of it is."""
    try:
        data = read_yaml(where.cloud).data
    except InputError:
        return None
    name = data.get("cloud") if isinstance(data, dict) else None
    return name if isinstance(name, str) else None


def rollback(where: Where, number: int | None, goal: Goal, report: Report, approve: Approve) -> Head | None:
    """Return to what stood after a generation, the one before by default, as a change like any other.

    Neither the definition nor the catalogue is read. Returns the generation that now stands, None when the plan was
    not approved. Raises InputError, HostError (nothing changed), BuildError, StepError, VerifyError.
    """
    site = cloud_of(where)
    target = site.history.generation(number if number is not None else default_target(site).number)
    if not target.head.stands:
        hint = "`mastic destroy` takes the cloud away"
        raise InputError(Problem(f"in generation {target.head.number} nothing stands", hint=hint))
    intent = replace(target.intent, command=f"rollback to {target.head.number}", goal=goal, by=operator())
    outcome = towards(site, intent, report, approve)
    return site.history.heads()[-1] if outcome else None


def default_target(site: Site) -> Head:
    """The generation a rollback without a number goes to. Raises InputError when there is none."""
    found = previous(site.history.heads(), site.history.unfinished() is not None)
    if found is None:
        message = "there is no earlier generation to return to"
        raise InputError(Problem(message, Place(str(site.history.folder)), "`mastic history` shows all"))
    return found


def resume(where: Where, report: Report, approve: Approve, boot: bool) -> Outcome | None:
    """Go on with the last run, if it broke off or failed, towards the very state it wanted.

    Raises InputError when there is none, else as `apply`.
    """
    site = cloud_of(where)
    left = site.history.unfinished()
    if left is None:
        raise InputError(Problem("the last run came to its end: there is nothing to resume", hint="`mastic history`"))
    return towards(site, replace(site.history.intent(left.id), by=operator()), report, approve, boot)


def towards(site: Site, intent: Intent, report: Report, approve: Approve, boot: bool = False) -> Outcome | None:
    """Plan and carry out what leads from what is there to what an intent wants."""
    intent = replace(intent, desired=with_departed(intent.desired, standing(site.history)))
    with phase(report, "plan"):
        observed = site.executor.observe(intent.desired.hosts)
        work = undertaking(site, intent, observed)
    report.plan(work.plan, intent.desired)
    if work.plan and not approve(work.plan):
        return None
    if intent.goal.destroy:
        return Outcome(take_away(site, work, report))
    return carry_out(site, work, report, boot)


def undertaking(site: Site, intent: Intent, observed: Observed) -> Undertaking:
    """The plan, from images as they were built then. Raises HostError or InputError when that cannot be."""
    if observed.unreachable:
        hint = "check the connection; nothing was changed"
        problems = [
            Problem(f"host `{host}` cannot be reached: {why}", Place(host), hint)
            for host, why in sorted(observed.unreachable.items())
        ]
        raise HostError(problems)
    plan = with_estimate(reconcile(intent.desired, observed, intent.goal), site.history.durations())
    graph = graph_of(intent.recipes)
    lost = [name for name in plan.images if name not in graph.nodes]
    if lost:
        raise InputError(
            [Problem(f"image `{name}` is in no engine, and nothing says how it was built") for name in lost]
        )
    return Undertaking(intent, plan, graph)


Offer = Callable[[MasticError, Head], bool]
"""Says whether to return to a generation after a change went wrong."""


@dataclass(frozen=True)
class Change:
    """What `apply` is asked for."""

    goal: Goal = field(default_factory=Goal)
    boot: bool = True
    saved: SavedPlan | None = None


def apply_or_return(where: Where, change: Change, report: Report, approve: Approve, offer: Offer) -> Outcome | None:
    """Apply; when a step, an image or a check fails and the offer is taken, return to the generation before.

    Raises what went wrong in any case, with how it was left.
    """
    name = _name_in(where)
    before = site_of(where, name).history.runs() if name else ()
    try:
        return apply(where, change.goal, report, approve, change.boot, change.saved)
    except (StepError, BuildError, VerifyError) as error:
        site = cloud_of(where)
        target = _way_back(site) if site.history.runs() != before else None
        if target is None:
            raise
        if not offer(error, target):
            raise with_hint(error, f"`mastic rollback` returns to generation {target.number}") from None
        report.problems(error.problems)
        report.say(f"returning to generation {target.number}, which stood before")
        rollback(where, target.number, Goal(), report, lambda plan: True)
        number = site.history.generations()[-1]
        told = f"the change was taken back: generation {number} is as generation {target.number} was"
        raise type(error)(Problem(told, hint="the problem above says why; put it right, then `mastic apply`")) from None


def _way_back(site: Site) -> Head | None:
    return previous(site.history.heads(), site.history.unfinished() is not None)


def with_hint(error: MasticError, hint: str) -> MasticError:
    """The same error, whose last problem also says this."""
    *rest, last = error.problems
    return type(error)([*rest, replace(last, hint=f"{last.hint}; {hint}" if last.hint else hint)])


def recover(where: Where, host: str, cloud: str | None) -> tuple[Site, Generation | None]:
    """Fill this controller's state from the copy that a host keeps; what it says stands is returned.

    Raises InputError when the state is here already or the host keeps none, HostError.
    """
    name = cloud or _name_in(where)
    if name is None:
        hint = "`mastic recover --from HOST CLOUD`, or say the definition with `--cloud FILE`"
        raise InputError(Problem("no definition says which cloud is meant", Place(str(where.cloud)), hint))
    remember_reach(where.cloud, where.state / name)
    site = site_of(where, name)
    content = site.executor.kept(host)
    if content is None:
        raise InputError(Problem(f"host `{host}` keeps no copy of the state of cloud `{name}`", Place(host)))
    unpack(content, site.state)
    latest = site.history.latest()
    if latest and not where.cloud.exists():
        where.cloud.write_text(latest.intent.cloud_file, encoding="utf-8")
    return site, latest
