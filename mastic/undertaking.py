"""Approved plan → Run → Generation: every command that changes a cloud ends here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from mastic.build.builder import BuildSummary, records_beside
from mastic.build.engine import find_engine
from mastic.build.graph import ImageGraph
from mastic.build.records import Records
from mastic.build.remote import Remote, offers
from mastic.build.signing import key_path, public_key
from mastic.errors import HostError, MasticError, Problem, StepError
from mastic.execute.executor import Executor
from mastic.execute.feed import ImageFeed
from mastic.history.history import History
from mastic.history.keeping import pack
from mastic.load.secrets import SecretStore
from mastic.model.desired import Desired
from mastic.model.generation import Intent
from mastic.model.plan import Plan
from mastic.model.run import Event, Run
from mastic.plan.departed import leaving_files, left_behind
from mastic.plan.partial import partly
from mastic.plan.saved import wanted_digests
from mastic.report.phase import phase
from mastic.report.report import Report
from mastic.verify.clouds_yaml import write_clouds_yaml
from mastic.verify.verify import verify

Tell = Callable[[Event], None]
MAKE_SECRETS = ("apply", "rotate")
"""Commands that make secrets; a way back takes those of then."""


class Build(Protocol):
    """Builds the images a plan needs, as `build_images` does."""

    def __call__(
        self, graph: ImageGraph, wanted: tuple[str, ...], feed: ImageFeed, tell: Tell, logs: Path, /
    ) -> BuildSummary: ...


@dataclass(frozen=True)
class Site:
    """A cloud's things that do not depend on its definition."""

    state: Path
    secrets: SecretStore
    history: History
    executor: Executor
    build: Build
    remote: Remote | None = None
    """Registry that hosts pull from."""


@dataclass(frozen=True)
class Undertaking:
    """A plan on its way: what is wanted, how to get there, and from which images."""

    intent: Intent
    plan: Plan
    graph: ImageGraph


@dataclass
class Outcome:
    """What a change led to."""

    run: Run
    generation: int | None = None
    """None when nothing had to be changed."""
    unkept: list[Problem] = field(default_factory=list)
    """Why a host does not keep the state."""


def carry_out(site: Site, work: Undertaking, report: Report, boot: bool) -> Outcome:
    """Change what has to be changed, then prove that the cloud works; a generation knows what the checks said."""
    if work.plan or not is_on_record(site.history, work.intent):
        outcome = change(site, work, report)
    else:
        site.history.close()
        outcome = Outcome(Run(id="nothing to do"))
    desired = work.intent.desired
    write_clouds_yaml(desired, OfVersions(site.secrets, desired.secret_versions), site.state)
    with phase(report, "verify"), judging(site.history):
        verify(desired, site.state, site.executor, report, boot)
    return outcome


def is_on_record(history: History, intent: Intent) -> bool:
    """Whether the last generation wants the same; a run may have been killed after its last step."""
    latest = history.latest()
    if latest is None or not latest.head.stands:
        return False
    wanted = partly(latest.desired, intent.desired, intent.goal)
    return wanted_digests(latest.desired) == wanted_digests(wanted)


def change(site: Site, work: Undertaking, report: Report) -> Outcome:
    """Carry out a plan under the lock: images are built while the first containers already start."""
    with site.history.lock(work.intent.command), phase(report, "build and apply"):
        work = with_secrets(site, work)
        desired = work.intent.desired
        record = site.history.begin(work.intent, work.plan)
        feed = ImageFeed()

        def tell(event: Event) -> None:
            site.history.event(record, event)
            report.event(event)

        with building(site, work, feed, tell) as images:
            values = site.secrets.values(secrets_of(desired), desired.secret_versions)
            run = site.executor.perform(work.plan, desired, values, feed, tell)
        finish(desired, run, images)
        before = standing(site.history)
        stands = left_behind(partly(before, desired, work.intent.goal), before, work.intent.goal)
        number = site.history.commit(replace(record, intent=replace(work.intent, desired=stands), run=run))
        return Outcome(run, number, keep(site, desired.hosts))


def with_secrets(site: Site, work: Undertaking) -> Undertaking:
    """Make missing secrets; on the way back the versions of then are taken, none is made."""
    desired = work.intent.desired
    makes = work.intent.command.partition(" ")[0] in MAKE_SECRETS
    if makes and site.secrets.ensure(desired.secrets, desired.secret_versions):
        made = site.secrets.versions()
        versions = {name: made.get(name, 1) for name in desired.secret_versions}
        work = replace(work, intent=replace(work.intent, desired=replace(desired, secret_versions=versions)))
    site.secrets.write_authority(site.state / "ca.pem")
    return work


@dataclass(frozen=True)
class OfVersions:
    """Secrets as a generation knows them."""

    store: SecretStore
    versions: Mapping[str, int]

    def values(self, names: Sequence[str]) -> Mapping[str, str]:
        return self.store.values(names, self.versions)


def standing(history: History) -> Desired | None:
    """What the last generation wants, if its cloud stands."""
    latest = history.latest()
    return latest.desired if latest and latest.head.stands else None


def keep(site: Site, hosts: tuple[str, ...]) -> list[Problem]:
    """Put the state, encrypted as it is, on the hosts too; a host that cannot take it is told, not fatal."""
    problems: list[Problem] = []
    try:
        content = pack(site.state)
    except HostError as error:
        return list(error.problems)
    for host in hosts:
        try:
            site.executor.keep(host, content)
        except HostError as error:
            problems += error.problems
    return problems


def secrets_of(desired: Desired) -> tuple[str, ...]:
    """Names of every secret a file of the cloud refers to."""
    files = [file for workload in desired.workloads for file in workload.files]
    files += [file for job in desired.jobs for file in job.files]
    files += leaving_files(desired.departed)
    return tuple(sorted({name for file in files for name in file.secrets}))


@contextmanager
def building(site: Site, work: Undertaking, feed: ImageFeed, tell: Tell) -> Iterator[Future[BuildSummary]]:
    """Build the plan's images in the background; each is announced through `feed` as soon as it stands."""
    with ThreadPoolExecutor(1, thread_name_prefix="build") as pool:
        yield pool.submit(provide, site, work, feed, tell)


def provide(site: Site, work: Undertaking, feed: ImageFeed, tell: Tell) -> BuildSummary:
    """Offer what the cloud's registry has, signed; build the rest."""
    logs, wanted = site.state / "build", work.plan.images
    if site.remote and wanted:
        names = {work.graph.nodes[name].reference: name for name in wanted}
        records, key = Records(records_beside(logs)), public_key(key_path())
        found = offers(find_engine(), site.remote, names, records, key)
        for reference, offer in found.items():
            feed.offered(reference, offer.id, offer.origins)
        wanted = tuple(name for reference, name in names.items() if reference not in found)
    return site.build(work.graph, wanted, feed, tell, logs)


def finish(desired: Desired, run: Run, images: Future[BuildSummary]) -> None:
    """Raise what went wrong: a failed image explains the steps that waited for it."""
    images.result()
    if run.failed:
        raise StepError([failure(desired, event) for event in run.failed.values()])
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


@contextmanager
def judging(history: History) -> Iterator[None]:
    """Note with the last generation what the checks said; one that was well once stays so, whatever broke since."""
    head = history.heads()[-1]
    try:
        yield
    except MasticError:
        if head.result == "applied":
            history.judge(head.number, "checks failed")
        raise
    if head.result != "verified":
        history.judge(head.number, "verified")


def take_away(site: Site, work: Undertaking, report: Report) -> Run:
    """Carry out a plan that removes the cloud, then the agents' own records."""
    run = Run(id="nothing to do")
    if work.plan:
        with site.history.lock("destroy"), phase(report, "destroy"):
            record = site.history.begin(work.intent, work.plan)
            desired = work.intent.desired
            values = site.secrets.values(secrets_of(desired), desired.secret_versions)
            run = site.executor.perform(work.plan, desired, values, ImageFeed(), report.event)
            if run.failed:
                raise StepError([failure(desired, event) for event in run.failed.values()])
            site.history.commit(replace(record, run=run))
            keep(site, desired.hosts)
    for host in work.intent.desired.hosts:
        site.executor.cleanup(host)
    return run
