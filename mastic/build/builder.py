"""ImageGraph → images in the container engine: only what is absent, parents first, several at once."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, time
from typing import Protocol

from mastic.build.engine import find_engine
from mastic.build.finish import Keeping
from mastic.build.graph import ImageGraph, ImageNode
from mastic.build.records import Records
from mastic.build.signing import key_path, private_key
from mastic.build.single import Tell, Workshop, build_one
from mastic.build.sources import host_sources
from mastic.errors import BuildError, InputError, Problem
from mastic.model.run import Event

BYTES_PER_JOB = 1_500_000_000
"""Memory that one build may take at its worst: many byte-code compilers, or a database server."""


class Feed(Protocol):
    """Who is told that an image stands, or never will."""

    def ready(self, reference: str) -> None: ...

    def failed(self, reference: str, why: str) -> None: ...


@dataclass(frozen=True)
class BuildSummary:
    """What a build did."""

    built: dict[str, float]
    """Image → seconds."""
    present: tuple[str, ...]
    """Wanted images that stood already."""
    seconds: float
    failed: dict[str, Problem] = field(default_factory=dict)
    skipped: dict[str, Problem] = field(default_factory=dict)
    """Not tried, because something it needs failed."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (*self.failed.values(), *self.skipped.values())


@dataclass(frozen=True)
class How:
    """How much is built at once, and whether anew."""

    jobs: int = 0
    """0: as many as cores and memory allow."""
    anew: bool = False
    """Build the wanted images also when they stand, without the engine's cache."""
    records: Path | None = None
    """Folder for provenance and bills of materials; else as `records_beside` says."""


@dataclass
class Progress:
    """How far the whole build is."""

    waiting: dict[str, ImageNode]
    running: dict[Future[float], ImageNode] = field(default_factory=dict)
    built: dict[str, float] = field(default_factory=dict)
    failed: dict[str, Problem] = field(default_factory=dict)
    skipped: dict[str, Problem] = field(default_factory=dict)


def build_images(  # noqa: PLR0917 - the contract of ARCHITECTURE.md
    graph: ImageGraph, wanted: tuple[str, ...], feed: Feed, tell: Tell, logs: Path, how: How = How()
) -> BuildSummary:
    """As `try_images`; raises BuildError naming every image that failed, after all others were built."""
    summary = try_images(graph, wanted, feed, tell, logs, how)
    if summary.problems:
        raise BuildError(summary.problems)
    return summary


def try_images(  # noqa: PLR0917 - as build_images
    graph: ImageGraph, wanted: tuple[str, ...], feed: Feed, tell: Tell, logs: Path, how: How = How()
) -> BuildSummary:
    """Build the wanted images and what they stand on, as far as the engine does not have them.

    One log file per image lies under `logs`. `feed` hears of each wanted reference as soon as it stands.
    Raises HostError when there is no engine.
    """
    began = monotonic()
    engine = find_engine()
    present = engine.images()
    if how.anew:
        present = {reference: made for reference, made in present.items() if reference not in references(graph, wanted)}
    missing = missing_nodes(graph, wanted, present)
    there = tuple(name for name in wanted if name not in missing)
    for name in there:
        feed.ready(graph.nodes[name].reference)
    if not missing:
        return BuildSummary({}, there, monotonic() - began)
    logs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mastic-build-") as folder:
        suite = suite_of(graph)
        sources = host_sources(suite)
        keeping = Keeping(engine, suite or "", Records(how.records or records_beside(logs)), private_key(key_path()))
        workshop = Workshop(engine, sources, sources.write(Path(folder)), logs, tell, keeping, how.anew)
        progress = build_missing(workshop, missing, feed, how.jobs or parallel_builds())
    return BuildSummary(progress.built, there, monotonic() - began, progress.failed, progress.skipped)


def records_beside(logs: Path) -> Path:
    """All clouds share images, so the records of `<state>/<cloud>/build` lie in `<state>/images`."""
    return logs.parents[1] / "images" if logs.name == "build" else logs / "records"


def references(graph: ImageGraph, names: tuple[str, ...]) -> set[str]:
    return {graph.nodes[name].reference for name in names}


def require_parents(graph: ImageGraph, wanted: tuple[str, ...]) -> None:
    """Raise InputError for everything that would have to be built beside the wanted images."""
    missing = missing_nodes(graph, wanted, find_engine().images())
    problems = [
        Problem(
            f"image `{name}` is not there, and it is not to be built",
            hint=f"leave out `--no-parents`, or ask for `{name}` too",
        )
        for name in missing
        if name not in wanted
    ]
    if problems:
        raise InputError(problems)


def parallel_builds() -> int:
    """One build per core, as far as memory reaches; two at least, because half of each is waiting for the network."""
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(2, min(os.cpu_count() or 2, available // BYTES_PER_JOB))


def missing_nodes(graph: ImageGraph, wanted: tuple[str, ...], present: dict[str, datetime]) -> dict[str, ImageNode]:
    """The wanted images that are absent and, of what they need, what is absent or too old; in order of building."""
    found: set[str] = set()
    waiting = [name for name in wanted if graph.nodes[name].reference not in present]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [need for need in graph.nodes[name].needs if not is_fresh(graph.nodes[need], present)]
    return {name: graph.nodes[name] for name in build_order(graph, wanted, found)}


def build_order(graph: ImageGraph, wanted: tuple[str, ...], missing: set[str]) -> list[str]:
    """Longest chain of images still to be made first, then as the plan's steps will ask for them."""
    rank = {name: index for index, name in enumerate(wanted)}
    nodes = {name: node for name, node in graph.nodes.items() if name in missing}
    return sorted(nodes, key=lambda name: (-weight(name, nodes), rank.get(name, len(rank))))


def is_fresh(node: ImageNode, present: dict[str, datetime]) -> bool:
    made = present.get(node.reference)
    if made is None or node.max_age_hours is None:
        return made is not None
    return datetime.now(UTC) - made < timedelta(hours=node.max_age_hours)


def suite_of(graph: ImageGraph) -> str | None:
    """Distribution release of the roots in the graph."""
    return graph.suite or next((node.bootstrap.suite for node in graph.nodes.values() if node.bootstrap), None)


def build_missing(workshop: Workshop, missing: dict[str, ImageNode], feed: Feed, jobs: int) -> Progress:
    """Run builds in the order given, as far as needs allow."""
    progress = Progress(dict(missing))
    with ThreadPoolExecutor(jobs, thread_name_prefix="image") as pool:
        while progress.waiting or progress.running:
            skip_hopeless(progress, workshop.tell, feed)
            for node in startable(progress)[: jobs - len(progress.running)]:
                del progress.waiting[node.name]
                progress.running[pool.submit(build_one, workshop, node)] = node
            settle(progress, feed)
    return progress


def weight(name: str, missing: dict[str, ImageNode]) -> int:
    """Length of the longest chain of missing images that stands on this one."""
    return 1 + max((weight(other, missing) for other, node in missing.items() if name in node.needs), default=0)


def startable(progress: Progress) -> list[ImageNode]:
    busy = {*progress.waiting, *(node.name for node in progress.running.values())}
    return [node for node in progress.waiting.values() if not busy.intersection(node.needs)]


def skip_hopeless(progress: Progress, tell: Tell, feed: Feed) -> None:
    """Give up what stands on a failed image."""
    lost = {*progress.failed, *progress.skipped}
    for name, node in list(progress.waiting.items()):
        if cause := next((need for need in node.needs if need in lost), None):
            del progress.waiting[name]
            lost.add(name)
            why = f"image `{cause}` could not be built"
            progress.skipped[name] = Problem(f"image `{name}` was not built: {why}")
            tell(Event("image", name, "skipped", message=why, at=time()))
            feed.failed(node.reference, why)


def settle(progress: Progress, feed: Feed) -> None:
    """Wait for the next build to end and record it."""
    if not progress.running:
        return
    done, _ = wait(progress.running, return_when=FIRST_COMPLETED)
    for future in done:
        node = progress.running.pop(future)
        error = future.exception()
        if error is None:
            progress.built[node.name] = future.result()
            feed.ready(node.reference)
        elif isinstance(error, BuildError):
            progress.failed[node.name] = error.problems[0]
            feed.failed(node.reference, error.problems[0].message)
        else:
            raise error
