"""A host's part of every cgroup hierarchy: what limits it, and what stops and counts its processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.hosts.shell import until

MOUNTS = Path("/proc/self/mounts")
PARENT = "mastic-hosts"


def hierarchies() -> list[Path]:
    """Mount points of the machine's hierarchies, the one of cgroup v2 beside them included.

    A host that were not in that one too would see, and write to, the machine's own.
    """
    rows = [line.split() for line in MOUNTS.read_text().splitlines()]
    found = [Path(row[1]) for row in rows if row[2] in ("cgroup", "cgroup2")]
    if not any(path.name == "freezer" for path in found):
        raise RuntimeError("hosts need a machine with cgroup v1 hierarchies (freezer); this one has none")
    return found


def make(name: str) -> list[Path]:
    """Make the groups of a host; the files that a process is put into them with."""
    folders = [hierarchy / PARENT / name for hierarchy in hierarchies()]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        if folder.parent.parent.name == "cpuset":
            _copy_cpuset(folder.parent)
            _copy_cpuset(folder)
    return [folder / "cgroup.procs" for folder in folders]


def _copy_cpuset(folder: Path) -> None:
    """A group without processors and memory takes no process."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        (folder / name).write_text((folder.parent / name).read_text())


def processes(name: str) -> set[int]:
    """Every process of a host."""
    found: set[int] = set()
    for folder, _, _ in os.walk(_of(name, "pids")):
        found |= {int(line) for line in Path(folder, "cgroup.procs").read_text().split()}
    return found


def kill(name: str) -> None:
    """Every process of a host at once, as when the power goes; frozen ones as soon as they thaw."""
    for process in processes(name):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    freeze(name, False)


def freeze(name: str, frozen: bool) -> None:
    """Stop every process where it is, or let all go on."""
    state = _of(name, "freezer") / "freezer.state"
    if state.exists():
        state.write_text("FROZEN" if frozen else "THAWED")


def cpu_seconds(name: str) -> float:
    """Processor time of all processes that the host ever had."""
    return int((_of(name, "cpuacct") / "cpuacct.usage").read_text()) / 1e9


@contextmanager
def counting(name: str) -> Iterator[Callable[[], float]]:
    """Count the processor time of this process and all that it starts meanwhile, but for hosts: they have their own."""
    top = _of(name, "cpuacct")
    top.mkdir(parents=True)
    (top / "cgroup.procs").write_text(str(os.getpid()))
    try:
        yield lambda: cpu_seconds(name)
    finally:
        until("nothing is counted any more", lambda: _is_left(top))
        top.rmdir()


def _is_left(group: Path) -> bool:
    """Move everything out; True when nothing was in it."""
    inside = (group / "cgroup.procs").read_text().split()
    for process in inside:
        with suppress(ProcessLookupError):
            (group.parent.parent / "cgroup.procs").write_text(process)
    return not inside


def remove(name: str) -> None:
    """Remove the groups of a host whose processes are gone."""
    for hierarchy in hierarchies():
        for folder, _, _ in os.walk(hierarchy / PARENT / name, topdown=False):
            Path(folder).rmdir()


def _of(name: str, hierarchy: str) -> Path:
    return next(path for path in hierarchies() if path.name == hierarchy) / PARENT / name
