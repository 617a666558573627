"""`python -m benchmarks.render`: reading the catalogue and rendering every file of a cloud, without any host."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from benchmarks.command import EXAMPLE
from mastic.cli.options import shipped_catalogue
from mastic.lint.sample import sample_facts, sample_references
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from mastic.model.desired import Desired
from mastic.resolve.desired import resolve


def main() -> int:
    """Each time in a process of its own, for within one templates stay compiled; its start is not counted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.render", description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--once", action="store_true", help="in this process, told as JSON")
    said = parser.parse_args()
    if said.once:
        print(json.dumps(once()))
        return 0
    command = [sys.executable, "-m", "benchmarks.render", "--once"]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(said.times)]
    print(
        f"{runs[0]['files']} files, {runs[0]['bytes'] / 1000:.0f} kB: "
        f"median {median(run['seconds'] for run in runs):.2f} s wall clock, "
        f"{median(run['cpu'] for run in runs):.2f} CPU s; load {os.getloadavg()[0]:.1f}"
    )
    return 0


def once() -> dict[str, float]:
    """What it costs the first time."""
    began, cpu_began = perf_counter(), process_time()
    files = list(rendered(read_and_render(Path(os.environ.get("MASTIC_CLOUD", EXAMPLE)))))
    spent = {"seconds": perf_counter() - began, "cpu": process_time() - cpu_began}
    return {"files": len(files), "bytes": sum(len(text.encode()) for text in files), **spent}


def read_and_render(path: Path) -> Desired:
    """Catalogue and definition → everything that would be written."""
    catalogue, cloud = load_catalogue(shipped_catalogue()), load_cloud(path)
    return resolve(catalogue, cloud, sample_facts(cloud), sample_references(catalogue), {})


def rendered(desired: Desired) -> Iterator[str]:
    """The text of every file of every workload and job."""
    for workload in desired.workloads:
        yield from (file.content for file in workload.files)
    for job in (*desired.jobs, *desired.discards):
        yield from (file.content for file in job.files)


if __name__ == "__main__":
    sys.exit(main())
