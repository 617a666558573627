"""Lock of a cloud: one command changes it at a time, and the next one is told who is at work."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from mastic.errors import HostError, InputError, Place, Problem


@dataclass(frozen=True)
class Holder:
    """Who holds the lock."""

    pid: int
    host: str
    command: str
    since: str
    """UTC, ISO 8601."""
    id: str = ""
    """What `mastic unlock` wants to hear."""


@dataclass(frozen=True)
class Held:
    """The lock, while we hold it."""

    path: Path
    descriptor: int
    before: Holder | None
    """The holder before us, when its process died without letting go: its run may be unfinished."""

    def insist(self) -> None:
        """Raises HostError when the lock was taken from us: whoever has it now may be at work."""
        if not _is_ours(self.descriptor, self.path):
            hint = "`mastic status` shows what stands; run the command again when the other has finished"
            raise HostError(Problem("the lock of this cloud was taken from this command", Place(str(self.path)), hint))


@contextmanager
def locked(path: Path, command: str) -> Iterator[Held]:
    """Hold the lock; raises HostError when somebody else does.

    The kernel's lock on the file decides and goes with the process; the text only tells people who holds it. The file
    stays: unlinking it would let two in. Only `unlock` puts another in its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        held = Held(path, descriptor, _take(descriptor, path))
        held.insist()
        _write(descriptor, asdict(_ourselves(command)))
        try:
            yield held
        finally:
            _write(descriptor, None)
    finally:
        os.close(descriptor)


def unlock(path: Path, id: str) -> Holder:
    """Put a fresh lock in the place of the one held under `id`, and say who held it.

    The old holder, should it still live, notices at its next step and stops. Raises InputError for another id.
    """
    holder = holder_of(path)
    if holder is None or holder.id != id:
        held = f"it is held under the id `{holder.id}`" if holder else "nobody holds it"
        raise InputError(Problem(f"the lock of this cloud is not held under the id `{id}`: {held}", Place(str(path))))
    fresh = path.with_name(f".{path.name}.new")
    fresh.touch(0o600)
    fresh.replace(path)
    return holder


def holder_of(path: Path) -> Holder | None:
    """Who holds the lock, or held it when its process died; None when nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return _read(descriptor)
    finally:
        os.close(descriptor)


def _is_ours(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


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
        "wait until it has finished; `mastic plan` and `mastic status` work meanwhile; if it hangs for good, "
        f"`mastic unlock {holder.id}` takes the lock from it",
    )


def _ourselves(command: str) -> Holder:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return Holder(os.getpid(), socket.gethostname(), command, since, secrets.token_hex(4))


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
