"""A write that found no room → what is full, in words."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)


def is_full(error: BaseException) -> bool:
    """Whether an error says that a file system has no room."""
    return isinstance(error, OSError) and error.errno in FULL


def in_words(error: OSError, folders: Iterable[str | Path]) -> str:
    """What an error of the system means; of these folders, the one that can take least is where room has to be made.

    A write does not say where it failed, only an open does.
    """
    if not is_full(error):
        return str(error)
    named = [Path(str(error.filename)).parent] if error.filename else [Path(folder) for folder in folders]
    there = [folder for folder in named if folder.exists()]
    if not there:
        return str(error)
    fullest = min(there, key=lambda folder: os.statvfs(folder).f_bavail)
    seen = os.statvfs(fullest)
    free, size = (blocks * seen.f_frsize / (1 << 20) for blocks in (seen.f_bavail, seen.f_blocks))
    return f"no room left on the file system of `{fullest}` ({free:.1f} of {size:.0f} MiB are free): make room there"
