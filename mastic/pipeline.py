"""The main path: load → resolve → observe → reconcile → build and apply → verify → history. Read this first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from mastic.build.builder import BuildSummary, build_images
from mastic.build.graph import ImageGraph, image_graph
from mastic.errors import HostError, MasticError, Problem, StepError
from mastic.execute.executor import Executor
from mastic.execute.feed import ImageFeed
from mastic.execute.local import LocalExecutor
from mastic.history.history import History
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from mastic.load.secrets import SecretStore
from mastic.model.catalogue import Catalogue, CloudFile
from mastic.model.desired import Desired
from mastic.model.goal import Goal
from mastic.model.observed import Observed
from mastic.model.plan import Plan
from mastic.model.run import Event, Run
from mastic.plan.preflight import preflight
from mastic.plan.reconcile import reconcile
from mastic.report.report import Report
from mastic.resolve.desired import resolve
from mastic.verify.clouds_yaml import write_clouds_yaml
from mastic.verify.verify import VerifySummary, verify


@dataclass(frozen=True)
class Where:
    """The places a command works with."""

    cloud: Path
    """The cloud definition, `cloud.yml`."""
    catalogue: Path
    state: Path
    """Folder that holds one folder of state per cloud."""
    vault_password: Path


@dataclass(frozen=True)
class Situation:
    """Everything known before a plan: what is wanted and what is there."""

    catalogue: Catalogue
    cloud_file: CloudFile
    graph: ImageGraph
    observed: Observed
    desired: Desired
    executor: Executor
    state: Path
    secrets: SecretStore
    history: History


Approve = Callable[[Plan], bool]
"""Says whether a plan may be applied (asks the operator, or knows the answer)."""


def survey(where: Where) -> Situation:
    """Read the definitions and the hosts; change nothing.

    Raises InputError for a wrong definition, HostError when a host cannot be read.
    """
    catalogue = load_catalogue(where.catalogue)
    cloud_file = load_cloud(where.cloud)
    state = where.state / cloud_file.cloud.cloud
    secrets = SecretStore(state, where.vault_password)
    executor = LocalExecutor(cloud_file.cloud.cloud, state)
    graph = image_graph(catalogue, cloud_file)
    observed = executor.observe(tuple(cloud_file.cloud.hosts))
    facts = {name: host.facts for name, host in observed.hosts.items()}
    desired = resolve(catalogue, cloud_file, facts, graph.references, secrets.versions())
    return Situation(
        catalogue, cloud_file, graph, observed, desired, executor, state, secrets, History(state / "history")
    )


def plan(where: Where, goal: Goal, report: Report) -> Plan:
    """Show what `apply` would do; read only."""
    situation = survey(where)
    wanted = plan_of(situation, goal)
    report.plan(wanted, situation.desired)
    return wanted


def plan_of(situation: Situation, goal: Goal) -> Plan:
    """Preflight, then the difference between desired and observed.

    Raises HostError with everything that would make the plan fail on a host.
    """
    if not goal.destroy:
        problems = preflight(situation.catalogue, situation.cloud_file, situation.desired, situation.observed)
        if problems:
            raise HostError(problems)
    return reconcile(situation.desired, situation.observed, goal)


def apply(where: Where, goal: Goal, report: Report, approve: Approve, boot: bool = True) -> Run | None:
    """Bring the cloud to what its definition says, and prove that it works.

    `boot` False leaves out the virtual machine that verification boots. Returns None when the plan was not approved.
    Raises InputError, HostError (nothing changed), BuildError, StepError (resume by applying again), VerifyError.
    """
    with phase(report, "plan"):
        situation = survey(where)
        wanted = plan_of(situation, goal)
    report.plan(wanted, situation.desired)
    if wanted and not approve(wanted):
        return None
    run = change(situation, wanted, report) if wanted else Run(id="nothing to do")
    write_clouds_yaml(situation.desired, situation.secrets, situation.state)
    with phase(report, "verify"):
        prove(situation, report, boot)
    return run


def change(situation: Situation, wanted: Plan, report: Report) -> Run:
    """Carry out a plan under the lock: images are built while the first containers already start."""
    with situation.history.lock("apply"), phase(report, "build and apply"):
        situation.secrets.ensure(situation.desired.secrets)
        situation.secrets.write_authority(situation.state / "ca.pem")
        record = situation.history.begin(situation.desired, wanted)
        feed = ImageFeed()
        told = report.event

        def tell(event: Event) -> None:
            situation.history.event(record, event)
            told(event)

        with building(situation, wanted, feed, tell) as images:
            values = situation.secrets.values(secrets_of(situation.desired))
            run = situation.executor.perform(wanted, situation.desired, values, feed, tell)
        finish(situation, run, images)
        situation.history.commit(replace(record, run=run))
    return run


def secrets_of(desired: Desired) -> tuple[str, ...]:
    """Names of every secret a file of the cloud refers to."""
    files = [file for workload in desired.workloads for file in workload.files]
    files += [file for job in desired.jobs for file in job.files]
    return tuple(sorted({name for file in files for name in file.secrets}))


@contextmanager
def building(
    situation: Situation, wanted: Plan, feed: ImageFeed, tell: Callable[[Event], None]
) -> Iterator[Future[BuildSummary]]:
    """Build the plan's images in the background; each is announced through `feed` as soon as it stands."""
    with ThreadPoolExecutor(1, thread_name_prefix="build") as pool:
        yield pool.submit(build_images, situation.graph, wanted.images, feed, tell, situation.state / "build")


def finish(situation: Situation, run: Run, images: Future[BuildSummary]) -> None:
    """Raise what went wrong: a failed image explains the steps that waited for it."""
    images.result()
    if run.failed:
        raise StepError([failure(situation.desired, event) for event in run.failed.values()])
    if run.skipped:
        raise StepError(
            Problem(f"{len(run.skipped)} steps did not run", hint="`mastic apply` goes on where this run stopped")
        )


def failure(desired: Desired, event: Event) -> Problem:
    """Say which step failed, its last log lines, and how to go on."""
    lines = "".join(f"\n    | {line}" for line in event.log[-12:])
    return Problem(
        f"{event.message or 'failed'} (step `{event.id}` on `{event.host}`){lines}",
        hint=f"`mastic logs {event.id.partition(':')[2].partition('@')[0]}`; then `mastic apply` goes on from there",
    )


def prove(situation: Situation, report: Report, boot: bool) -> VerifySummary:
    """Run the declared checks and boot a virtual machine."""
    return verify(situation.desired, situation.state, situation.executor, report, boot)


def destroy(where: Where, goal: Goal, report: Report, approve: Approve) -> Run | None:
    """Remove everything of the cloud from its hosts; volumes with data only when the goal allows data loss."""
    situation = survey(where)
    wanted = reconcile(situation.desired, situation.observed, replace(goal, destroy=True))
    report.plan(wanted, situation.desired)
    if wanted and not approve(wanted):
        return None
    run = Run(id="nothing to do")
    if wanted:
        with situation.history.lock("destroy"), phase(report, "destroy"):
            record = situation.history.begin(situation.desired, wanted)
            values = situation.secrets.values(secrets_of(situation.desired))
            run = situation.executor.perform(wanted, situation.desired, values, ImageFeed(), report.event)
            if run.failed:
                raise StepError([failure(situation.desired, event) for event in run.failed.values()])
            situation.history.commit(replace(record, run=run))
    for host in situation.desired.hosts:
        situation.executor.cleanup(host)
    return run


@contextmanager
def phase(report: Report, name: str) -> Iterator[None]:
    """Tell the report when a part of the command starts and how long it took."""
    began = monotonic()
    report.event(Event("phase", name, "started"))
    try:
        yield
    except MasticError:
        report.event(Event("phase", name, "failed", monotonic() - began))
        raise
    report.event(Event("phase", name, "done", monotonic() - began))


def references(situation: Situation) -> Mapping[str, str]:
    """Image name → full reference of everything the cloud uses."""
    return situation.graph.references
