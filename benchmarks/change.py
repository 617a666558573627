"""`python -m benchmarks.change`: until one changed option of one service is in force, and until it is taken back."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from time import time

from benchmarks.command import EXAMPLE, Measured, run_mastic

WORKLOADS = (
    "keystone/keystone",
    "glance/glance-api",
    "placement/placement-api",
    "nova/nova-api",
    "neutron/neutron-server",
    "nova/nova-conductor",
)
PUTS_IN_FORCE = ("bind", "restart", "reload", "replace")


def main() -> int:
    """Change `debug` of one workload after the other; the cloud, which must run, is then as it was."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.change", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="SERVICE/WORKLOAD", help="default: six of the example's")
    chosen = parser.parse_args().workloads or WORKLOADS
    with tempfile.TemporaryDirectory(prefix="mastic-change-") as folder:
        cloud = Path(folder) / "cloud.yml"
        shutil.copy(os.environ.get("MASTIC_CLOUD", EXAMPLE), cloud)
        os.environ["MASTIC_CLOUD"] = str(cloud)
        return max(change(cloud, workload) for workload in chosen)


def change(cloud: Path, workload: str) -> int:
    """One option, and back; the options that the image declares are known before the clock starts."""
    override = cloud.parent / "config" / f"{workload}.conf"
    override.parent.mkdir(parents=True)
    override.write_text("[DEFAULT]\ndebug = true\n", encoding="utf-8")
    planned, began = run_mastic("plan"), time()
    applied = run_mastic("apply", "--yes", "--no-verify")
    shutil.rmtree(cloud.parent / "config")
    back = run_mastic("rollback", "--yes")
    print(
        f"{workload}: in force after {in_force(applied, workload) - began:.1f} s, apply ended after "
        f"{applied.seconds:.1f} s (checks included); rollback with its checks {back.seconds:.1f} s; "
        f"load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return max(planned.exit_code, applied.exit_code, back.exit_code)


def in_force(run: Measured, workload: str) -> float:
    """When the process with the new value serves, and no request goes to the one before."""
    name = workload.partition("/")[2]
    ended = [event for event in run.events if event["kind"] == "step" and event["state"] == "done"]
    moments = [float(event["at"]) for event in ended if is_of(str(event["id"]), name)]
    return max(moments, default=float("nan"))


def is_of(step: str, workload: str) -> bool:
    verb, _, resource = step.partition(":")
    return verb in PUTS_IN_FORCE and resource.partition("@")[0].partition("/")[0] == workload


if __name__ == "__main__":
    sys.exit(main())
