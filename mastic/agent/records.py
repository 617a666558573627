"""What the agent remembers about a cloud on this host: JSON files that are replaced as a whole."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MANIFEST, IN_FORCE, JOBS, MOUNTS = "manifest.json", "in_force.json", "jobs.json", "mounts.json"
RESTORE, MOVES = "restore.json", "moves.json"
"""Volumes that get other content, or another place, at this moment; a run that was cut off leaves them."""
KEPT = "controller.tar.gz"
"""Copy of the controller's state; its secrets are encrypted."""


class Busy(Exception):
    """Another perform works on this cloud of this host."""


class Records:
    """The agent's folder; changes are serialised and reach the disk before they count."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()

    def read(self, name: str) -> dict[str, Any]:
        """Content of a record; empty when there is none."""
        try:
            data: dict[str, Any] = json.loads((self.folder / name).read_text())
        except FileNotFoundError:
            return {}
        return data

    @contextlib.contextmanager
    def change(self, name: str) -> Iterator[dict[str, Any]]:
        """The record's content, written back when the block ends without an error."""
        with self._lock:
            data = self.read(name)
            yield data
            write_private(self.folder / name, json.dumps(data, indent=1, sort_keys=True).encode())

    @contextlib.contextmanager
    def only_one(self) -> Iterator[None]:
        """Hold the host for this process; the kernel lets go when the process ends, however it ends. Raises Busy."""
        make_private_folder(self.folder)
        with (self.folder / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Busy("another run is working on this cloud on this host") from error
            yield


def make_private_folder(folder: Path) -> None:
    """A folder for root only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    folder.chmod(0o700)


def write_private(path: Path, content: bytes) -> None:
    """Replace a file by one of mode 0600, so that a crash leaves the old or the new one, never half of it."""
    make_private_folder(path.parent)
    beside = path.with_name(f".{path.name}.new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, 0o600)
        file.write(content)
        file.flush()
        os.fsync(handle)
    beside.replace(path)
