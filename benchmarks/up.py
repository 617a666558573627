"""`python -m benchmarks.up`: how long a cloud takes from nothing to a pinged guest, and where the time goes."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.command import Measured, run_mastic
from benchmarks.timeline import gantt, phases, spans


def main() -> int:
    """Remove the cloud, bring it up, print figures and timeline."""
    options = parse()
    if options.replay:
        print(timeline(read_events(options.replay), options.at_least))
        return 0
    if not options.yes:
        print("this removes the running cloud with its data: run again with --yes", file=sys.stderr)
        return 1
    return measure(options.from_nothing, options.at_least)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.up", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="the cloud may be removed with its data first")
    parser.add_argument("--from-nothing", action="store_true", help="remove images and build cache first, too")
    parser.add_argument("--replay", type=Path, metavar="EVENTS", help="only show the timeline of an earlier run")
    parser.add_argument("--at-least", type=float, default=0.3, metavar="SECONDS", help="leave out shorter rows")
    return parser.parse_args()


def measure(from_nothing: bool, at_least: float) -> int:
    """One run, told."""
    gone = run_mastic("destroy", "--yes", "--allow", "data-loss")
    print(f"removed in {gone.seconds:.1f} s", flush=True)
    if gone.exit_code:
        return gone.exit_code
    if from_nothing:
        remove_images()
    up = run_mastic("apply", "--yes")
    print(figures(up, "from nothing" if from_nothing else "images present"))
    print(timeline(up.events, at_least))
    return up.exit_code


def remove_images() -> None:
    """Remove what builds left in the engine: mastic's images and the build cache."""
    listed = subprocess.run(
        ["docker", "image", "ls", "--filter", "reference=mastic/*", "--format", "{{.Repository}}:{{.Tag}}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    if listed:
        subprocess.run(["docker", "image", "rm", "--force", *listed], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["docker", "builder", "prune", "--all", "--force"], check=True, stdout=subprocess.DEVNULL)


def figures(up: Measured, title: str) -> str:
    """The totals."""
    return (
        f"{title}: exit code {up.exit_code}, {up.seconds:.1f} s wall clock, "
        f"{up.cpu_seconds:.1f} CPU s of the command, {up.machine_cpu_seconds:.1f} CPU s of the machine"
    )


def timeline(events: list[dict[str, object]], at_least: float) -> str:
    """Phases and bars."""
    return f"{phases(events)}\n{gantt(spans(events), at_least)}"


def read_events(path: Path) -> list[dict[str, object]]:
    """Events of a file with one JSON object per line; other objects are passed over."""
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("{"))
    return [line for line in lines if "kind" in line and "state" in line]


if __name__ == "__main__":
    sys.exit(main())
