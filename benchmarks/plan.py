"""`python -m benchmarks.plan`: what `mastic plan` costs with nothing to do."""

from __future__ import annotations

import argparse
import os
import sys
from statistics import median

from benchmarks.command import Measured, run_mastic

PEER = "kolla-ansible reconfigure with nothing changed: 37 CPU s, 114 s, for 8 containers on a machine of this size"
"""Measured with 21.x, forks 5, on one host (two cores)."""


def main() -> int:
    """Run it some times, print each and the medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plan", description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    runs = [run_mastic("plan", "--check") for _ in range(times)]
    for run in runs:
        print(row(run))
    print(
        f"median: {median(run.seconds for run in runs):.2f} s wall clock, "
        f"{median(run.cpu_seconds for run in runs):.2f} CPU s of the command; load {os.getloadavg()[0]:.1f}\n"
        f"beside it: {PEER}"
    )
    return max(run.exit_code for run in runs)


def row(run: Measured) -> str:
    """One run."""
    steps = next((len(line["steps"]) for line in run.lines if line.get("type") == "plan"), None)
    return (
        f"{steps if steps is not None else 'no'} steps, exit code {run.exit_code}: {run.seconds:.2f} s wall clock, "
        f"{run.cpu_seconds:.2f} CPU s of the command, {run.machine_cpu_seconds:.2f} CPU s of the machine"
    )


if __name__ == "__main__":
    sys.exit(main())
