"""Volumes → backup, restore, another place: each a plan of its own, shown and carried out like any other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mastic.build.recipes import graph_of
from mastic.errors import HostError, InputError, Place, Problem, did_you_mean
from mastic.history.history import operator
from mastic.load.place_volume import with_volume
from mastic.model.desired import Desired
from mastic.model.generation import Generation
from mastic.model.goal import Goal
from mastic.model.observed import Observed
from mastic.model.plan import Plan
from mastic.pipeline import Approve, Where, apply
from mastic.plan.around import Archive, backup_plan, restore_plan
from mastic.plan.estimate import with_estimate
from mastic.plan.moving import users_of
from mastic.report.phase import phase
from mastic.report.report import Report
from mastic.report.volume_text import VolumeRow
from mastic.returning import cloud_of
from mastic.undertaking import Outcome, Site, Undertaking, carry_out
from mastic.verify.workloads import unreachable


@dataclass(frozen=True)
class Standing:
    """A cloud as its last generation wants it, and as it is."""

    site: Site
    generation: Generation
    observed: Observed

    @property
    def desired(self) -> Desired:
        return self.generation.desired


def standing(where: Where) -> Standing:
    """Look at the cloud. Raises InputError when nothing stands, HostError when a host does not answer."""
    site = cloud_of(where)
    latest = site.history.latest()
    if latest is None or not latest.head.stands:
        raise InputError(Problem("nothing of this cloud stands", Place(str(site.state)), "`mastic apply` first"))
    observed = site.executor.observe(latest.desired.hosts)
    if observed.unreachable:
        raise HostError(list(unreachable(observed)))
    return Standing(site, latest, observed)


def listing(where: Where) -> list[VolumeRow]:
    """Every volume of the cloud that is there."""
    found = standing(where)
    wanted = {volume.id: volume for volume in found.desired.volumes}
    rows = []
    for host in found.observed.hosts.values():
        sizes = found.site.executor.sizes(host.name)
        for name in host.volumes:
            volume = wanted.get(f"{name}@{host.name}")
            users = sorted({user.container for user in users_of(found.desired, host, {name})})
            kept = volume.keep if volume else name not in host.disposable_volumes
            service, place = volume.service if volume else "", host.volume_paths.get(name, "")
            rows.append(VolumeRow(name, host.name, service, sizes.get(name, 0), kept, place, tuple(users)))
    return rows


def backup(where: Where, names: Sequence[str], folder: Path, report: Report, approve: Approve) -> tuple[str, bool]:
    """Write an archive of volumes into a folder of their host; its path, and whether the plan was approved.

    Raises InputError, HostError (nothing changed), StepError, VerifyError.
    """
    found = standing(where)
    host, chosen = chosen_of(found, names)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = str(folder.absolute() / f"{found.desired.cloud}-{host}-{stamp}.tar")
    plan = backup_plan(found.desired, found.observed, host, chosen, path)
    return path, undertake(found, plan, "volume backup", report, approve) is not None


def restore(where: Where, path: Path, goal: Goal, report: Report, approve: Approve) -> Outcome | None:
    """Put an archive's content in place of the present one; None when the plan was not approved.

    Raises InputError, also when the goal does not allow the loss of what is there, HostError, StepError, VerifyError.
    """
    found = standing(where)
    host, archive = _with_archive(found, str(path.absolute()))
    if archive.cloud != found.desired.cloud:
        message = f"this is a backup of cloud `{archive.cloud}`, and this cloud is `{found.desired.cloud}`"
        raise InputError(Problem(message, Place(archive.path)))
    missing = [name for name in archive.volumes if name not in found.observed.hosts[host].volumes]
    if missing:
        hint = "`mastic apply` makes it; then restore"
        raise InputError([Problem(f"volume `{name}` is not there", Place(host), hint) for name in missing])
    plan = restore_plan(found.desired, found.observed, host, archive)
    if not goal.allow_data_loss:
        report.plan(plan, found.desired)
        names = ", ".join(f"`{name}`" for name in archive.volumes)
        message = f"this plan deletes data: what is in {names} on `{host}` now"
        raise InputError(Problem(message, Place(archive.path), "run again with `--allow data-loss`"))
    return undertake(found, plan, "volume restore", report, approve)


def _with_archive(found: Standing, path: str) -> tuple[str, Archive]:
    """The host that has the archive, and what that says of itself."""
    problems: list[Problem] = []
    for host in found.desired.hosts:
        try:
            return host, found.site.executor.archive(host, path)
        except HostError as error:
            problems += error.problems
    raise HostError(problems)


def chosen_of(found: Standing, names: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The one host that all volumes (`NAME` or `NAME@HOST`) are on. Raises InputError."""
    there = [(name, host.name) for host in found.observed.hosts.values() for name in host.volumes]
    hosts: set[str] = set()
    problems: list[Problem] = []
    for said in names:
        name, _, host = said.partition("@")
        on = [each for known, each in there if known == name and host in ("", each)]
        if not on:
            hint = did_you_mean(name, {known for known, _ in there}) or "`mastic volume list` shows all"
            problems.append(Problem(f"there is no volume `{said}`", hint=hint))
        hosts.update(on)
    if not problems and len(hosts) > 1:
        message = f"these volumes lie on several hosts: {', '.join(sorted(hosts))}"
        problems.append(Problem(message, hint="an archive is of one host: say `NAME@HOST`"))
    if problems:
        raise InputError(problems)
    return hosts.pop(), tuple(dict.fromkeys(said.partition("@")[0] for said in names))


def undertake(found: Standing, plan: Plan, command: str, report: Report, approve: Approve) -> Outcome | None:
    """Show a plan and carry it out towards what stands anyway."""
    with phase(report, "plan"):
        plan = with_estimate(plan, found.site.history.durations())
    report.plan(plan, found.desired)
    if not approve(plan):
        return None
    intent = replace(found.generation.intent, command=command, goal=Goal(), by=operator())
    return carry_out(found.site, Undertaking(intent, plan, graph_of(intent.recipes)), report, boot=False)


def move(where: Where, name: str, path: Path, report: Report, approve: Approve) -> Outcome | None:
    """Bring a volume to another folder of its host by way of the definition; None when the plan was not approved.

    The definition is changed only after the plan was approved. Raises as `apply`.
    """
    if not path.is_absolute():
        raise InputError(Problem(f"`{path}` is no absolute path", hint="say the whole path on the host"))
    try:
        before = where.cloud.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(Problem(f"cannot read the cloud definition: {error}", Place(str(where.cloud)))) from None
    changed = with_volume(before, name, str(path), str(where.cloud))
    draft = where.cloud.with_name(f".{where.cloud.name}.moving")

    def remember(plan: Plan) -> bool:
        if not approve(plan):
            return False
        where.cloud.write_text(changed, encoding="utf-8")
        return True

    try:
        draft.write_text(changed, encoding="utf-8")
        outcome = apply(replace(where, cloud=draft), Goal(), report, remember, boot=False)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    if outcome is not None:
        where.cloud.write_text(changed, encoding="utf-8")
    return outcome
