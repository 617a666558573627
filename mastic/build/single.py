"""One ImageNode → its image in the engine: context written, built, logged; a failure told in its last words."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sysconfig
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from typing import Any

from mastic.build import pack_layer
from mastic.build.engine import Engine
from mastic.build.engine_store import inventory, layers_of, pack_layers
from mastic.build.export import write_context
from mastic.build.finish import Keeping, Raw, finish_image
from mastic.build.graph import SCRATCH, ImageNode
from mastic.build.layer import require_whole, tar_inventory
from mastic.build.root import RootBuild, build_root
from mastic.build.sources import HostSources
from mastic.build.stages import OUT, PACKER, Staged, staged
from mastic.errors import BuildError, HostError, InputError, Place, Problem
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
    keeping: Keeping
    anew: bool = False
    """Do every step again, whatever the engine remembers of it."""


def build_one(workshop: Workshop, node: ImageNode) -> float:
    """Build one image, telling start, steps and end; seconds. Raises BuildError with the log's last lines."""
    began = monotonic()
    workshop.tell(Event("image", node.name, "started", at=time()))
    log = workshop.logs / f"{node.name}.log"
    log.write_text("")
    try:
        with tempfile.TemporaryDirectory(prefix=f"mastic-{node.name}-") as folder:
            raw = make_any(workshop, node, log, Path(folder))
            if raw is None:
                raise failure(workshop, node, log, monotonic() - began)
            finish_image(workshop.keeping, node, raw)
    except (HostError, InputError, OSError, tarfile.TarError) as error:  # the engine refused, or a disk is full
        with log.open("a") as out:
            out.write(f"{error}\n{free_space()}\n")
        raise failure(workshop, node, log, monotonic() - began) from error
    seconds = monotonic() - began
    workshop.tell(Event("image", node.name, "done", seconds, at=time()))
    return seconds


def free_space() -> str:
    """What a full disk looks like from here: the engine's client does not tell when it cannot write."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    return f"free space in {tempfile.gettempdir()}: {free / 1e6:.1f} MB"


def make_any(workshop: Workshop, node: ImageNode, log: Path, folder: Path) -> Raw | None:
    """What the image will have, made in its own way; None when that failed."""
    if node.archive:
        tar = Path(shutil.copyfile(node.archive, folder / "layer.tar"))
        return Raw(tar, tar_inventory(tar))
    how = make_root if node.bootstrap else make
    raw = how(workshop, node, log, folder)
    if raw:
        require_whole(raw.tar)
    return raw


def make_root(workshop: Workshop, node: ImageNode, log: Path, folder: Path) -> Raw | None:
    """A root file system from the distribution's packages; None when it failed."""
    assert node.bootstrap
    tar = folder / "layer.tar"
    if build_root(RootBuild(node.bootstrap, workshop.secrets["apt-sources"], log), tar):
        return None
    return Raw(tar, tar_inventory(tar))


def make(workshop: Workshop, node: ImageNode, log: Path, folder: Path) -> Raw | None:
    """A build, then the image's settings and what it has over its base; None when a step failed."""
    dockerfile = staged(node.dockerfile)
    context, out, id_file = folder / "context", folder / "out", folder / "id"
    context.mkdir()
    out.mkdir()
    write_context(node, context)
    copy_tools(node, context)
    (context / "Dockerfile").write_text(dockerfile.text)
    (context / PACKER).write_text(Path(pack_layer.__file__).read_text())
    first = [f"--target={dockerfile.made}", f"--iidfile={id_file}", *(["--no-cache"] if workshop.anew else [])]
    if run_build(workshop, node, log, [*first, str(context)]):
        return None
    image = workshop.engine.inspect(id_file.read_text().strip())
    base = SCRATCH if node.flat else dockerfile.base
    layers = layers_of(image, None if base == SCRATCH else workshop.engine.inspect(base))
    if layers:
        pack_layers(layers, out / "layer.tar")
        found: Mapping[str, Any] | None = inventory(layers)
    else:
        found = hand_out(workshop, node, log, (dockerfile, base == SCRATCH, context, out))
    workshop.engine.forget(image["Id"])
    if found is None:
        return None
    return Raw(out / "layer.tar", found, base, image["Config"], dockerfile.mount_points)


def hand_out(
    workshop: Workshop, node: ImageNode, log: Path, parts: tuple[Staged, bool, Path, Path]
) -> Mapping[str, Any] | None:
    """A second build, of cached steps, whose output is the layer; its inventory, or None when it failed."""
    dockerfile, whole, context, out = parts
    tar = out / "layer.tar"
    if whole:
        all_of_it = [f"--target={dockerfile.made}", f"--output=type=tar,dest={tar}"]
        return None if run_build(workshop, node, log, [*all_of_it, str(context)]) else tar_inventory(tar)
    packed = [f"--target={OUT}", f"--output=type=local,dest={out}"]
    if run_build(workshop, node, log, [*packed, str(context)]):
        return None
    return dict(json.loads((out / "inventory.json").read_text()))


def run_build(workshop: Workshop, node: ImageNode, log: Path, arguments: list[str]) -> int:
    """One BuildKit build, its output added to the log; the client's exit code."""
    secrets = [f"--secret=id={name},src={path}" for name, path in sorted(workshop.secrets.items())]
    proxies = [f"--build-arg={name}" for name in sorted(workshop.sources.proxies)]  # values from the environment
    platform = [f"--platform={node.platform}"] if node.platform else []
    with (
        log.open("a") as out,
        subprocess.Popen(
            workshop.engine.command("build", "--quiet=false", *platform, *secrets, *proxies, *arguments),
            env=workshop.engine.environment() | workshop.sources.proxies,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        for line in process.stdout or ():
            out.write(line)
            out.flush()
            tell_step(workshop.tell, node.name, line)
    return process.returncode


def tell_step(tell: Tell, name: str, line: str) -> None:
    """Pass on that a build began its next step."""
    if step := STEP.match(line):
        tell(Event("image", name, "progress", message=" ".join(MOUNT.sub("", step["step"]).split())[:100], at=time()))


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
