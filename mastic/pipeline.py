"""The main path: load → resolve → observe → reconcile → build and apply → verify → history. Read this first.

What happens to an approved plan is in `undertaking.py`; the ways back (`rollback`, `resume`) are in `returning.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mastic import __version__
from mastic.build.builder import build_images
from mastic.build.graph import ImageGraph, image_graph
from mastic.build.recipes import recipes_text
from mastic.build.remote import Remote
from mastic.errors import HostError
from mastic.execute.executor import Executor
from mastic.execute.remote.executor import executor_for
from mastic.execute.remote.reach import write_reach
from mastic.history.history import History, operator
from mastic.hosts import reach_of
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from mastic.load.secrets import SecretStore
from mastic.load.version import catalogue_version
from mastic.model.catalogue import Catalogue, CloudFile
from mastic.model.desired import ConfigFile, Desired, PlacedWorkload
from mastic.model.generation import Intent
from mastic.model.goal import Goal
from mastic.model.observed import Observed
from mastic.model.overrides import Layer
from mastic.model.plan import Plan
from mastic.model.run import Run
from mastic.option_gate import OptionGate, check_overrides, gated, option_gate
from mastic.plan.departed import with_departed
from mastic.plan.estimate import with_estimate
from mastic.plan.host_check import between_hosts
from mastic.plan.preflight import preflight, unreachable
from mastic.plan.reconcile import reconcile
from mastic.plan.saved import SavedPlan, check_unmoved, save
from mastic.report.phase import phase
from mastic.report.report import Report
from mastic.resolve.context import ground_of
from mastic.resolve.desired import resolve
from mastic.resolve.explain import file_layers
from mastic.undertaking import Build, Outcome, Site, Undertaking, carry_out, standing, take_away
from mastic.verify.verify import VerifySummary, verify


@dataclass(frozen=True)
class Means:
    """How the world is reached; tests reach another one."""

    executor: Callable[[str, Path], Executor] = executor_for
    """Made of the cloud's name and its state folder."""
    build: Build = build_images


@dataclass(frozen=True)
class Where:
    """The places a command works with."""

    cloud: Path
    """The cloud definition, `cloud.yml`."""
    catalogue: Path
    state: Path
    """Folder that holds one folder of state per cloud."""
    vault_password: Path
    means: Means = Means()


@dataclass(frozen=True)
class Situation:
    """Everything known before a plan: what is wanted and what is there."""

    catalogue: Catalogue
    cloud_file: CloudFile
    graph: ImageGraph
    observed: Observed
    desired: Desired
    site: Site

    @property
    def executor(self) -> Executor:
        return self.site.executor

    @property
    def state(self) -> Path:
        return self.site.state


Approve = Callable[[Plan], bool]
"""Says whether a plan may be applied (asks the operator, or knows the answer)."""


def site_of(where: Where, cloud: str) -> Site:
    """A cloud's folder, secrets, history and hosts."""
    state = where.state / cloud
    executor = where.means.executor(cloud, state)
    return Site(
        state, SecretStore(state, where.vault_password), History(state / "history"), executor, where.means.build
    )


def survey(where: Where) -> Situation:
    """Read the definitions and the hosts; change nothing.

    Raises InputError for a wrong definition, HostError when a host cannot be read.
    """
    catalogue = load_catalogue(where.catalogue)
    cloud_file = load_cloud(where.cloud)
    said = cloud_file.cloud.registry
    remote = Remote(said.address, said.mirrors) if said else None
    write_reach(where.state / cloud_file.cloud.cloud, reach_of(cloud_file))
    site = replace(site_of(where, cloud_file.cloud.cloud), remote=remote)
    graph = image_graph(catalogue, cloud_file)
    observed = site.executor.observe(tuple(cloud_file.cloud.hosts))
    if observed.unreachable:
        raise HostError(unreachable(cloud_file, observed))
    facts = {name: host.facts for name, host in observed.hosts.items()}
    desired = resolve(catalogue, cloud_file, facts, graph.references, site.secrets.versions())
    desired = with_departed(desired, standing(site.history))
    return Situation(catalogue, cloud_file, graph, observed, desired, site)


def plan(where: Where, goal: Goal, report: Report, out: Path | None = None) -> Plan:
    """Show what `apply` would do; read only. With `out` the plan is saved there, to be applied exactly."""
    situation = survey(where)
    wanted = plan_of(situation, goal)
    check_overrides(gate_of(situation), report)
    report.plan(wanted, situation.desired)
    if out:
        out.write_text(save(wanted, situation.desired, situation.observed, goal), encoding="utf-8")
    return wanted


def plan_of(situation: Situation, goal: Goal) -> Plan:
    """Preflight, then the difference between desired and observed.

    Raises HostError with everything that would make the plan fail on a host.
    """
    if not goal.destroy:
        problems = preflight(situation.catalogue, situation.cloud_file, situation.desired, situation.observed)
        problems += between_hosts(situation.cloud_file, situation.observed)
        if problems:
            raise HostError(problems)
    plan = reconcile(situation.desired, situation.observed, goal)
    return with_estimate(plan, situation.site.history.durations())


def apply(  # noqa: PLR0917 - what every command that changes a cloud takes
    where: Where, goal: Goal, report: Report, approve: Approve, boot: bool = True, saved: SavedPlan | None = None
) -> Outcome | None:
    """Bring the cloud to what its definition says, and prove that it works.

    `boot` False leaves out the virtual machine that verification boots. A saved plan is applied exactly, or refused.
    Returns None when the plan was not approved.
    Raises InputError, HostError (nothing changed), BuildError, StepError (resume by applying again), VerifyError.
    """
    goal = saved.goal if saved else goal
    with phase(report, "plan"):
        situation = survey(where)
        wanted = plan_of(situation, goal)
        gate = gate_of(situation)
        check_overrides(gate, report)
        if saved:
            check_unmoved(saved, situation.desired, situation.observed, "the saved plan")
            wanted = saved.plan
    report.plan(wanted, situation.desired)
    if wanted and not approve(wanted):
        return None
    site = replace(situation.site, build=gated(situation.site.build, gate))
    return carry_out(site, undertaking(situation, wanted, goal), report, boot)


def gate_of(situation: Situation) -> OptionGate:
    """Checks the override files against the options that the images of the cloud declare."""
    return option_gate(situation.catalogue, situation.desired, situation.state)


def undertaking(situation: Situation, wanted: Plan, goal: Goal, command: str = "apply") -> Undertaking:
    """A plan with everything that must be on record before its first step."""
    intent = Intent(
        command=command,
        desired=situation.desired,
        goal=goal,
        by=operator(),
        cloud_file=situation.cloud_file.path.read_text(encoding="utf-8"),
        catalogue=f"{__version__}+{catalogue_version(situation.catalogue)}",
        recipes=recipes_text(situation.graph),
    )
    return Undertaking(intent, wanted, situation.graph)


def layers_of(situation: Situation, workload: PlacedWorkload, file: ConfigFile) -> tuple[Layer, ...]:
    """The template and the override files that a configuration file is made of, with the line of every option."""
    facts = {name: host.facts for name, host in situation.observed.hosts.items()}
    ground = ground_of(
        situation.catalogue, situation.cloud_file, facts, situation.graph.references, situation.desired.secret_versions
    )
    return file_layers(ground, workload, file)


def prove(situation: Situation, report: Report, boot: bool) -> VerifySummary:
    """Run the declared checks and boot a virtual machine."""
    return verify(situation.desired, situation.state, situation.executor, report, boot)


def destroy(where: Where, goal: Goal, report: Report, approve: Approve) -> Run | None:
    """Remove everything of the cloud from its hosts; volumes with data only when the goal allows data loss."""
    situation = survey(where)
    goal = replace(goal, destroy=True)
    wanted = plan_of(situation, goal)
    report.plan(wanted, situation.desired)
    if wanted and not approve(wanted):
        return None
    return take_away(situation.site, undertaking(situation, wanted, goal, "destroy"), report)
