"""`python -m benchmarks.build`: rendering, a build with nothing to do, a one-line change, everything anew."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.command import EXAMPLE, Measured, run_mastic

REPOSITORY = Path(__file__).resolve().parents[1]
PEER = {
    "render": "194 Dockerfiles in 4.2 to 6.0 s (0.02 s each), on every call",
    "nothing to do": "over 200 s: openstack-base and what stands on it is built again",
    "one line": "not measured; the image and all that stands on it",
    "one line of source": "not measured; the image and all that stands on it",
    "cold": "620 s for 11 images of keystone's stack, load 14 to 90",
}
"""Kolla 21.3.0 on a machine of this size (two cores, Docker 20.10)."""


def main() -> int:
    """Measure, print each figure beside the peer's."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.build", description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--cold", action="store_true", help="build every image anew, without the engine's cache")
    parser.add_argument("--change", metavar="FILE", help="add a line to this file of the catalogue, e.g. a script")
    parser.add_argument("--source", metavar="PROJECT", help="add a line to a checkout of this project, e.g. keystone")
    said = parser.parse_args()
    codes = [rendering(said.times), nothing(said.times)]
    if said.change:
        codes.append(one_line(said.change))
    if said.source:
        codes.append(one_line_of_source(said.source))
    if said.cold:
        codes.append(tell("cold", [run_mastic("build", "--anew")]))
    return max(codes)


def rendering(times: int) -> int:
    with tempfile.TemporaryDirectory(prefix="mastic-dockerfiles-") as folder:
        words = ("build", "--profile", "catalogue", "--dockerfile-only", folder)
        return tell("render", [run_mastic(*words) for _ in range(times)])


def nothing(times: int) -> int:
    first = run_mastic("build", "--profile", "catalogue")
    return first.exit_code or tell(
        "nothing to do", [run_mastic("build", "--profile", "catalogue") for _ in range(times)]
    )


def one_line(name: str) -> int:
    """One more line in a copy of the catalogue: which images are built, and how long that takes."""
    with tempfile.TemporaryDirectory(prefix="mastic-catalogue-") as folder:
        catalogue = Path(folder) / "catalogue"
        shutil.copytree(REPOSITORY / "catalogue", catalogue)
        with (catalogue / name).open("a", encoding="utf-8") as file:
            file.write(f"\n# {os.urandom(8).hex()}\n")
        run = run_mastic("build", "--catalogue", str(catalogue))
        code = tell("one line", [run])
        made = {image: each["reference"] for image, each in built(run).items()}
        print(f"  built: {', '.join(made) or 'nothing'}")
        subprocess.run(["docker", "image", "rm", *made.values()], capture_output=True, check=False)
    return code


def one_line_of_source(project: str) -> int:
    """The lock's own source distribution as a checkout: built once, then with one more line in one Python file."""
    with tempfile.TemporaryDirectory(prefix="mastic-source-") as name:
        folder = Path(name)
        checkout = unpack_source(project, folder)
        definition = f"{EXAMPLE.read_text(encoding='utf-8')}sources: {{{project}: {checkout}}}\n"
        (folder / "cloud.yml").write_text(definition, encoding="utf-8")
        before = run_mastic("build", definition=folder / "cloud.yml")
        with (checkout / project / "version.py").open("a", encoding="utf-8") as file:
            file.write(f"\n# {os.urandom(8).hex()}\n")
        after = run_mastic("build", definition=folder / "cloud.yml")
        code = max(before.exit_code, tell("one line of source", [after]))
        seconds = {image: each["seconds"] for image, each in built(after).items()}
        print(f"  built: {', '.join(f'{image} {each:.1f} s' for image, each in seconds.items()) or 'nothing'}")
        made = [each["reference"] for run in (after, before) for each in built(run).values()]
        subprocess.run(["docker", "image", "rm", *made], capture_output=True, check=False)
    return code


def unpack_source(project: str, folder: Path) -> Path:
    """Folder of the project's source distribution, in the version of the newest lock."""
    lock = sorted((REPOSITORY / "catalogue/_shared/locks").glob("*.txt"))[-1].read_text(encoding="utf-8")
    pin = next(line.split()[0] for line in lock.splitlines() if line.startswith(f"{project}=="))
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
    subprocess.run([*words, pin, "--dest", str(folder)], check=True)
    (archive,) = folder.glob("*.tar.gz")
    shutil.unpack_archive(archive, folder / "unpacked")
    (checkout,) = (folder / "unpacked").iterdir()
    return checkout


def built(run: Measured) -> dict[str, dict[str, Any]]:
    """The images that a run made, by name."""
    found: object = next((line["result"] for line in run.lines if line.get("type") == "result"), {})
    images: dict[str, dict[str, Any]] = found.get("images", {}) if isinstance(found, dict) else {}
    return {image: each for image, each in images.items() if each["state"] == "built"}


def tell(what: str, runs: list[Measured]) -> int:
    """Medians of some runs, and the peer's figure."""
    wall, cpu = median(run.seconds for run in runs), median(run.cpu_seconds for run in runs)
    print(f"{what}: {wall:.2f} s wall clock, {cpu:.2f} CPU s of the command; peer: {PEER[what]}")
    return max(run.exit_code for run in runs)


if __name__ == "__main__":
    sys.exit(main())
