"""Commands of the machine that the harness is made of."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent


class NotInTime(AssertionError):
    """A condition did not come true."""


def run(*command: str | Path) -> str:
    """Run a command that has to succeed; what it wrote on standard output."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def until(what: str, condition: Callable[[], bool], seconds: float = 60) -> float:
    """Wait for a condition; the seconds it took. Raises NotInTime."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise NotInTime(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - began
