"""Folders of the host that containers mount: made when missing, shared when mounts inside must travel."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

from mastic.agent.records import MOUNTS, Records

BIND, SHARED, RECURSIVE = 0x1000, 1 << 20, 0x4000
MNT_DETACH = 2


def prepare_sources(spec: dict[str, Any], records: Records) -> None:
    """Make the folders a container binds. Raises OSError."""
    for mount in spec.get("mounts") or []:
        if mount["type"] != "bind":
            continue
        if mount.get("create"):
            Path(mount["source"]).mkdir(parents=True, exist_ok=True)
        if mount.get("propagation", "private") != "private":
            make_shared(mount["source"], records)


def make_shared(folder: str, records: Records) -> None:
    """Where the mount that holds `folder` is private (no systemd), mount the folder on itself and share that."""
    if is_shared(folder, Path("/proc/self/mountinfo").read_text()):
        return
    with records.change(MOUNTS) as mounts:
        mounts[folder] = True
    call_mount(folder, folder, BIND | RECURSIVE)
    call_mount("none", folder, SHARED)


def is_shared(folder: str, mountinfo: str) -> bool:
    """True when the mount on which `folder` lies passes on what is mounted inside it."""
    rows = [line.split() for line in mountinfo.splitlines()]
    real = os.path.realpath(folder)
    holders = [row for row in rows if real == row[4] or real.startswith(row[4].rstrip("/") + "/")]
    if not holders:
        return False
    longest = max(len(row[4]) for row in holders)
    last = [row for row in holders if len(row[4]) == longest][-1]
    return any(word.startswith("shared:") for word in last[6 : last.index("-")])


def call_mount(source: str, target: str, flags: int) -> None:
    """mount(2). Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), target.encode(), None, ctypes.c_ulong(flags), None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot mount on `{target}`: {os.strerror(number)}")


def undo_shared(records: Records) -> None:
    """Unmount what `make_shared` mounted; what is in use stays until it is not.

    A folder below which something is mounted stays: `/run/netns` holds the network namespaces of others as well, and
    these would go with it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for folder in records.read(MOUNTS):
        if not holds_mounts(folder, Path("/proc/self/mountinfo").read_text()):
            libc.umount2(folder.encode(), MNT_DETACH)


def holds_mounts(folder: str, mountinfo: str) -> bool:
    """True when something is mounted below `folder`."""
    below = os.path.realpath(folder) + "/"
    return any(line.split()[4].startswith(below) for line in mountinfo.splitlines())
