"""Names of secrets → a plan with new versions of them → a generation: `mastic secrets list` and `rotate`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from mastic.errors import HostError, InputError, Place, Problem, did_you_mean
from mastic.model.desired import Desired, PlacedJob, PlacedWorkload
from mastic.model.goal import Goal
from mastic.model.known_secret import KnownSecret
from mastic.model.service import Secret
from mastic.option_gate import check_overrides, gated
from mastic.pipeline import Approve, Situation, Where, gate_of, plan_of, survey, undertaking
from mastic.plan.departed import with_departed
from mastic.report.phase import phase
from mastic.report.report import Report
from mastic.resolve.desired import resolve
from mastic.undertaking import Outcome, Site, carry_out, standing


def known_secrets(where: Where) -> tuple[KnownSecret, ...]:
    """Every secret of the cloud, by name; no value is read."""
    situation = survey(where)
    made, users = situation.site.secrets.versions(), users_of(situation.desired)
    return tuple(
        KnownSecret(name, secret, made.get(name), users.get(name, ()))
        for name, secret in situation.desired.secrets.items()
    )


def users_of(desired: Desired) -> dict[str, tuple[str, ...]]:
    """Secret → services whose files refer to it."""
    found: dict[str, set[str]] = {}
    holders: list[PlacedWorkload | PlacedJob] = [*desired.workloads, *desired.jobs]
    for holder in holders:
        for file in holder.files:
            for name in file.secrets:
                found.setdefault(name, set()).add(holder.service)
    return {name: tuple(sorted(services)) for name, services in found.items()}


def rotate(where: Where, names: Collection[str], report: Report, approve: Approve, boot: bool = True) -> Outcome | None:
    """Make new versions of secrets, all that can be rotated when none is named, and bring them into force.

    Whatever else `apply` would change comes with it and is shown. Returns None when the plan was not approved.
    Raises InputError, HostError (nothing changed), BuildError, StepError (`apply` goes on), VerifyError.
    """
    with phase(report, "plan"):
        before = survey(where)
        chosen = choose(before.desired.secrets, names)
        check_in_force(before.site, chosen)
        situation = with_new_versions(before, chosen)
        wanted = plan_of(situation, Goal())
        gate = gate_of(situation)
        check_overrides(gate, report)
    report.say(told(chosen, situation.desired.secret_versions))
    report.plan(wanted, situation.desired)
    if not approve(wanted):
        return None
    site = replace(situation.site, build=gated(situation.site.build, gate))
    work = undertaking(situation, wanted, Goal(), f"rotate {' '.join(names) or 'all secrets'}")
    return carry_out(site, work, report, boot)


def choose(secrets: Mapping[str, Secret], names: Collection[str]) -> tuple[str, ...]:
    """The secrets meant. Raises InputError for one that does not exist or cannot be rotated."""
    if not names:
        return tuple(name for name, secret in secrets.items() if not secret.fixed)
    problems = [
        Problem(f"there is no secret `{name}`", hint=did_you_mean(name, secrets) or "`mastic secrets list` shows all")
        for name in names
        if name not in secrets
    ]
    problems += [
        Problem(f"`{name}` is not rotated: {secrets[name].fixed}")
        for name in names
        if name in secrets and secrets[name].fixed
    ]
    if problems:
        raise InputError(problems)
    return tuple(dict.fromkeys(names))


def check_in_force(site: Site, names: Sequence[str]) -> None:
    """Raise HostError unless what is rotated is everywhere as it was last made: of two accounts that take turns, one
    must be free."""
    latest = site.history.latest()
    standing = latest.desired.secret_versions if latest and latest.head.stands else {}
    made = site.secrets.versions()
    behind = [name for name in names if name not in made or standing.get(name) != made[name]]
    if not behind and site.history.unfinished() is None:
        return
    listed = ", ".join(f"`{name}`" for name in behind)
    message = f"the last versions are not in force yet: {listed}" if behind else "the last run did not come to its end"
    raise HostError(Problem(message, Place(str(site.state)), "`mastic apply` brings them into force; then rotate"))


def with_new_versions(situation: Situation, names: Sequence[str]) -> Situation:
    """The same situation, wanting the next version of these secrets."""
    made = situation.site.secrets.versions()
    versions = {**made, **{name: made[name] + 1 for name in names}}
    facts = {name: host.facts for name, host in situation.observed.hosts.items()}
    desired = resolve(situation.catalogue, situation.cloud_file, facts, situation.graph.references, versions)
    return replace(situation, desired=with_departed(desired, standing(situation.site.history)))


def told(names: Sequence[str], versions: Mapping[str, int]) -> str:
    """What is rotated, one line each."""
    return "\n".join(f"rotates `{name}`: version {versions[name] - 1} → {versions[name]}" for name in names)
