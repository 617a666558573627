"""Runs the real `mastic` command and measures it: wall clock, CPU, and its events as they come."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time
from typing import Any

EXAMPLE = Path(__file__).resolve().parents[1] / "examples/laptop/cloud.yml"


@dataclass(frozen=True)
class Measured:
    """One run of the command."""

    exit_code: int
    seconds: float
    cpu_seconds: float
    """User and system time of the command and the processes it waited for."""
    machine_cpu_seconds: float
    """User and system time of the whole machine meanwhile: engine, builds and containers are not its children."""
    lines: list[dict[str, Any]] = field(default_factory=list, repr=False)
    """What it wrote on standard output, one JSON object per line."""

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its events; `at` is when each came."""
        return [line for line in self.lines if line.get("type") == "event"]


def run_mastic(*arguments: str, definition: Path | None = None) -> Measured:
    """Run `mastic ARGUMENTS --json` on the cloud to measure, or on another."""
    cloud = str(definition or os.environ.get("MASTIC_CLOUD", EXAMPLE))
    command = [sys.executable, "-m", "mastic", *arguments, "--json", "--cloud", cloud]
    began, cpu, machine = monotonic(), os.times(), machine_cpu()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = [stamped(line) for line in process.stdout or ()]
    seconds, after = monotonic() - began, os.times()
    own = (after.children_user - cpu.children_user) + (after.children_system - cpu.children_system)
    return Measured(process.returncode, seconds, own, machine_cpu() - machine, lines)


def stamped(line: str) -> dict[str, Any]:
    """A line as an object, with the time it came when it says none."""
    value: dict[str, Any] = json.loads(line)
    return {**value, "at": value.get("at") or time()}


def machine_cpu() -> float:
    """CPU seconds all cores spent working since boot (`/proc/stat`: user, nice, system, irq, softirq)."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    ticks = [int(fields[index]) for index in (0, 1, 2, 5, 6)]
    return sum(ticks) / os.sysconf("SC_CLK_TCK")
