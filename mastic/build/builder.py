"""ImageGraph → images in the container engine: only what is absent, parents first, several at once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, time
from typing import Protocol

from mastic.build.engine import Engine, find_engine
from mastic.build.graph import ImageGraph, ImageNode
from mastic.build.root import RootBuild, build_root
from mastic.build.sources import HostSources, host_sources
from mastic.errors import BuildError, Place, Problem
from mastic.model.run import Event

Tell = Callable[[Event], None]
LOG_LINES = 15
STEP = re.compile(r"^#\d+ (?P<step>\[.*\] (?:RUN|COPY|FROM).*)$")
FAILED = re.compile(r"^#(?P<step>\d+) ERROR")
STEP_LINE = re.compile(r"^#(?P<step>\d+) (?:\d+\.\d+ )?(?P<text>.*)$")
MOUNT = re.compile(r"--mount=\S+")


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


@dataclass(frozen=True)
class Workshop:
    """What every single build uses."""

    engine: Engine
    sources: HostSources
    secrets: dict[str, Path]
    logs: Path
    tell: Tell


@dataclass
class Progress:
    """How far the whole build is."""

    waiting: dict[str, ImageNode]
    running: dict[Future[float], ImageNode] = field(default_factory=dict)
    built: dict[str, float] = field(default_factory=dict)
    failed: dict[str, Problem] = field(default_factory=dict)


def build_images(  # noqa: PLR0917 - the contract of ARCHITECTURE.md
    graph: ImageGraph, wanted: tuple[str, ...], feed: Feed, tell: Tell, logs: Path, jobs: int = 0
) -> BuildSummary:
    """Build the wanted images and what they stand on, as far as the engine does not have them.

    One log file per image lies under `logs`. `feed` hears of each wanted reference as soon as it stands.
    Raises BuildError naming every image that failed, after all others were built; HostError when there is no engine.
    """
    began = monotonic()
    engine = find_engine()
    present = engine.images()
    missing = missing_nodes(graph, wanted, present)
    there = tuple(name for name in wanted if name not in missing)
    for name in there:
        feed.ready(graph.nodes[name].reference)
    if not missing:
        return BuildSummary({}, there, monotonic() - began)
    logs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mastic-build-") as folder:
        sources = host_sources(suite_of(graph))
        workshop = Workshop(engine, sources, sources.write(Path(folder)), logs, tell)
        built = build_missing(workshop, missing, feed, jobs or max(2, os.cpu_count() or 2))
    return BuildSummary(built, there, monotonic() - began)


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


def suite_of(graph: ImageGraph) -> str:
    """Distribution release of the roots in the graph."""
    return next(node.bootstrap.suite for node in graph.nodes.values() if node.bootstrap)


def build_missing(workshop: Workshop, missing: dict[str, ImageNode], feed: Feed, jobs: int) -> dict[str, float]:
    """Run builds in the order given, as far as needs allow; raises BuildError at the end when any failed."""
    progress = Progress(dict(missing))
    with ThreadPoolExecutor(jobs, thread_name_prefix="image") as pool:
        while progress.waiting or progress.running:
            skip_hopeless(progress, workshop.tell, feed)
            for node in startable(progress)[: jobs - len(progress.running)]:
                del progress.waiting[node.name]
                progress.running[pool.submit(build_one, workshop, node)] = node
            settle(progress, feed)
    if progress.failed:
        raise BuildError(progress.failed.values())
    return progress.built


def weight(name: str, missing: dict[str, ImageNode]) -> int:
    """Length of the longest chain of missing images that stands on this one."""
    return 1 + max((weight(other, missing) for other, node in missing.items() if name in node.needs), default=0)


def startable(progress: Progress) -> list[ImageNode]:
    busy = {*progress.waiting, *(node.name for node in progress.running.values())}
    return [node for node in progress.waiting.values() if not busy.intersection(node.needs)]


def skip_hopeless(progress: Progress, tell: Tell, feed: Feed) -> None:
    """Give up what stands on a failed image."""
    lost = set(progress.failed)
    for name, node in list(progress.waiting.items()):
        if cause := next((need for need in node.needs if need in lost), None):
            del progress.waiting[name]
            lost.add(name)
            why = f"image `{cause}` could not be built"
            progress.failed.setdefault(name, Problem(f"image `{name}` was not built: {why}"))
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


def build_one(workshop: Workshop, node: ImageNode) -> float:
    """Build one image, telling start, steps and end; seconds. Raises BuildError with the log's last lines."""
    began = monotonic()
    workshop.tell(Event("image", node.name, "started", at=time()))
    log = workshop.logs / f"{node.name}.log"
    if node.bootstrap:
        code = build_root(
            workshop.engine, RootBuild(node.bootstrap, node.reference, workshop.secrets["apt-sources"], log)
        )
    else:
        code = build_dockerfile(workshop, node, log)
    seconds = monotonic() - began
    if code:
        raise failure(workshop, node, log, seconds)
    workshop.tell(Event("image", node.name, "done", seconds, at=time()))
    return seconds


def build_dockerfile(workshop: Workshop, node: ImageNode, log: Path) -> int:
    """One BuildKit build; the tag appears only when everything succeeded. Returns the client's exit code."""
    with tempfile.TemporaryDirectory(prefix=f"mastic-{node.name}-") as folder, log.open("w") as out:
        write_context(node, Path(folder))
        with subprocess.Popen(
            build_command(workshop, node, folder),
            env=workshop.engine.environment() | workshop.sources.proxies,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                out.write(line)
                out.flush()
                tell_step(workshop.tell, node.name, line)
        return process.returncode


def tell_step(tell: Tell, name: str, line: str) -> None:
    """Pass on that a build began its next step."""
    if step := STEP.match(line):
        tell(Event("image", name, "progress", message=" ".join(MOUNT.sub("", step["step"]).split())[:100], at=time()))


def build_command(workshop: Workshop, node: ImageNode, folder: str) -> list[str]:
    secrets = [f"--secret=id={name},src={path}" for name, path in sorted(workshop.secrets.items())]
    proxies = [f"--build-arg={name}" for name in sorted(workshop.sources.proxies)]  # values from the environment
    return workshop.engine.command("build", "--quiet=false", f"--tag={node.reference}", *secrets, *proxies, folder)


def write_context(node: ImageNode, folder: Path) -> None:
    """Write Dockerfile, files (0755: scripts and programs) and the machine's tools."""
    (folder / "Dockerfile").write_text(node.dockerfile)
    for path, content in node.context.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o755)
    for tool in node.tools:
        shutil.copy(find_tool(tool), folder / tool)


def find_tool(name: str) -> str:
    """A program of mastic's own environment, or of the machine."""
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if not found:
        raise BuildError(Problem(f"no program `{name}` on this machine", hint="run `make up` again, it installs it"))
    return found


def failure(workshop: Workshop, node: ImageNode, log: Path, seconds: float) -> BuildError:
    """What failed, with the step and the end of its log."""
    lines = log.read_text(errors="replace").splitlines()
    step, tail = last_words(lines)
    what = f"image `{node.name}` could not be built" + (f" (step {step})" if step else "")
    workshop.tell(Event("image", node.name, "failed", seconds, what, tuple(tail), at=time()))
    quoted = "".join(f"\n    | {line}" for line in tail)
    return BuildError(Problem(what + quoted, Place(str(log)), "the whole log is in that file"))


def last_words(lines: list[str]) -> tuple[str, list[str]]:
    """The failed step and its last lines: of the step that BuildKit's log ends with `ERROR`, else of the whole log."""
    failed = next((found["step"] for line in reversed(lines) if (found := FAILED.match(line))), None)
    if failed is None:
        return "", [line for line in lines if line.strip()][-LOG_LINES:]
    own = [found["text"] for line in lines if (found := STEP_LINE.match(line)) and found["step"] == failed]
    said = [line for line in own if line.strip() and not line.startswith(("ERROR", "CACHED", "DONE", "["))]
    step = next((line for line in own if line.startswith("[")), "")
    return " ".join(MOUNT.sub("", step).split())[:160], said[-LOG_LINES:]
