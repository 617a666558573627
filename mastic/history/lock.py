"""Lock of a cloud: one command changes it at a time, and the next one is told who is at work."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from mastic.errors import HostError, Place, Problem


@dataclass(frozen=True)
class Holder:
    """Who holds the lock."""

    pid: int
    host: str
    command: str
    since: str
    """UTC, ISO 8601."""


@contextmanager
def locked(path: Path, command: str) -> Iterator[Holder | None]:
    """Hold the lock; raises HostError when somebody else does.

    Gives the holder before us when its process died without letting go (its run may be unfinished), else None. The
    kernel's lock on the file decides and goes with the process; the text only tells people who holds it. The file
    stays: unlinking it would let two in.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        before = _take(descriptor, path)
        _write(descriptor, asdict(_ourselves(command)))
        try:
            yield before
        finally:
            _write(descriptor, None)
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> Holder | None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise HostError(_taken(_read(descriptor), path)) from None
    return _read(descriptor)


def _taken(holder: Holder | None, path: Path) -> Problem:
    if holder is None:
        return Problem("another mastic command just started on this cloud", Place(str(path)), "try again")
    return Problem(
        f"`mastic {holder.command}` is at work on this cloud since {holder.since}"
        f" (process {holder.pid} on `{holder.host}`)",
        Place(str(path)),
        "wait until it has finished; `mastic plan` and `mastic status` work meanwhile",
    )


def _ourselves(command: str) -> Holder:
    return Holder(os.getpid(), socket.gethostname(), command, datetime.now(UTC).isoformat(timespec="seconds"))


def _read(descriptor: int) -> Holder | None:
    text = os.pread(descriptor, 4096, 0)
    try:
        said = json.loads(text) if text else None
        return Holder(**said) if said else None
    except (ValueError, TypeError):
        return None


def _write(descriptor: int, said: object) -> None:
    os.ftruncate(descriptor, 0)
    if said is not None:
        os.pwrite(descriptor, json.dumps(said).encode(), 0)
    os.fsync(descriptor)
