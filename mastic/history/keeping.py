"""State of a controller ↔ one archive that the hosts keep: with it and the vault password a lost one is made anew."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mastic.errors import HostError, InputError, Place, Problem

KEPT = ("ca.pem", "secrets.index.json", "secrets.yml")
"""Beside the history. `secrets.yml` is encrypted; `clouds.yaml` holds a password and can be written anew."""
LARGEST = 32 * 1024 * 1024
"""Bytes of an archive at most; the oldest runs are left out before that."""


def pack(state: Path, largest: int = LARGEST) -> bytes:
    """The archive; raises HostError when even without any run's journal it is too large."""
    runs = sorted(path for path in (state / "history" / "runs").glob("*") if path.is_dir())
    rest = [path for path in _files(state / "history") if state / "history" / "runs" not in path.parents]
    rest += [state / name for name in KEPT if (state / name).is_file()]
    for skipped in range(0, len(runs) + 1, max(1, len(runs) // 8)):
        journals = [path for run in runs[skipped:] for path in _files(run)]
        content = _archive(state, [*rest, *journals])
        if len(content) <= largest:
            return content
    content = _archive(state, rest)
    if len(content) > largest:
        message = f"the history takes {len(content) >> 20} MiB, hosts keep {largest >> 20} MiB at most"
        raise HostError(Problem(message, Place(str(state)), "`mastic gc` removes old generations"))
    return content


def unpack(content: bytes, state: Path) -> None:
    """Fill a state folder that has no history yet. Raises InputError when it has one, or for a broken archive."""
    if (state / "history" / "generations").exists():
        hint = "this controller is not lost; to start from the host's copy, move the folder away first"
        raise InputError(Problem("the state of this cloud is here already", Place(str(state)), hint))
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            archive.extractall(state, members=_plain(archive), **_FILTER)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(Problem(f"the copy of the state cannot be read: {error}", Place(str(state)))) from None
    for folder in [state, *(path for path in state.rglob("*") if path.is_dir())]:
        folder.chmod(0o700)


_FILTER: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""Python before 3.11.4 does not know it; `_plain` lets nothing through that it would refuse."""


def _plain(archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """Files and folders below the target; anything else was not packed here. Raises TarError."""
    members = archive.getmembers()
    for member in members:
        parts = PurePosixPath(member.name).parts
        if not (member.isreg() or member.isdir()) or ".." in parts or member.name.startswith("/"):
            raise tarfile.TarError(f"`{member.name}` does not belong into it")
    return members


def _files(folder: Path) -> Iterator[Path]:
    """Every file but the lock and drafts."""
    if folder.is_dir():
        yield from sorted(
            p for p in folder.rglob("*") if p.is_file() and p.name != "lock" and not p.name.startswith(".")
        )


def _archive(state: Path, paths: list[Path]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz", compresslevel=6) as archive:
        for path in paths:
            entry = tarfile.TarInfo(str(path.relative_to(state)))
            content = path.read_bytes()
            entry.size, entry.mode, entry.mtime = len(content), 0o644 if path.suffix == ".pem" else 0o600, 0
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()
