"""One ImageNode → its image in the engine: context written, built, logged; a failure told in its last words."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time

from mastic.build.engine import Engine
from mastic.build.export import write_context
from mastic.build.graph import ImageNode
from mastic.build.root import RootBuild, build_root
from mastic.build.sources import HostSources
from mastic.errors import BuildError, Place, Problem
from mastic.model.run import Event

Tell = Callable[[Event], None]
LOG_LINES = 15
STEP = re.compile(r"^#\d+ (?P<step>\[.*\] (?:RUN|COPY|FROM).*)$")
FAILED = re.compile(r"^#(?P<step>\d+) ERROR")
STEP_LINE = re.compile(r"^#(?P<step>\d+) (?:\d+\.\d+ )?(?P<text>.*)$")
MOUNT = re.compile(r"--mount=\S+")


@dataclass(frozen=True)
class Workshop:
    """What every single build uses."""

    engine: Engine
    sources: HostSources
    secrets: dict[str, Path]
    logs: Path
    tell: Tell


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
        copy_tools(node, Path(folder))
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


def copy_tools(node: ImageNode, folder: Path) -> None:
    """Add the machine's programs that an image takes."""
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
