"""A tar of files → the same layer whenever it is made: times, order, caches and chance taken out of it."""

from __future__ import annotations

import hashlib
import io
import re
import stat
import struct
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mastic.build.pack_layer import METADATA, STATUS, head

LEFT_OUT = re.compile(
    r"""(
      var/cache/(ldconfig/aux-cache | apt/.*\.bin | debconf/.*-old)
    | var/lib/dpkg/[^/]*-old
    | var/log/(apt/.* | (dpkg|alternatives|bootstrap|fontconfig)\.log | lastlog | faillog | [bw]tmp)
    | etc/(passwd|group|shadow|gshadow|subuid|subgid)- | etc/\.pwd\.lock
    | etc/(resolv\.conf|hostname|hosts|mtab)
    | (var/)?tmp/.+ | root/\.(cache|local|config)(/.*)?
    | var/lib/apt/(lists|periodic)/.+ | var/lib/systemd/(catalog/database|random-seed)
    | .*/(\.erlang\.cookie | ssh_host_[a-z0-9]+_key(\.pub)?)
    | \.dockerenv | run/(secrets|mastic.*)(/.*)?
    )""",
    re.VERBOSE,
)
"""Logs, caches, back-ups, secrets that packages make when they are installed, what an engine puts there itself."""
EMPTIED = ("etc/machine-id", "var/lib/dbus/machine-id")
SETUID = ("usr/bin/sudo",)
"""Programs that keep running as their owner: the only one that containers use. All others lose the bits."""
DAY = 86400
SBOM = "usr/share/mastic/sbom.json"
END_MARK = 1024
"""Zeros at the end of every tar."""
TIMESTAMP_PYC = 0
"""Flags of byte code that is compared with its source's time."""


@dataclass(frozen=True)
class Clean:
    """How a layer is made clean."""

    epoch: int
    """Nothing in the layer is younger, seconds since 1970."""
    mount_points: frozenset[str] = frozenset()
    """Paths that were only mounted while the image was built; empty ones are left out."""
    added: tuple[tuple[str, bytes], ...] = ()
    """Further files at the end: path → content, 0644."""


def clean_layer(source: Path, target: Path, how: Clean) -> str:
    """Write a clean copy of the tar `source`; the digest of `target`, `sha256:…`."""
    with tarfile.open(source) as before, target.open("wb") as out:
        entries = {plain(entry.name): entry for entry in before}
        names = sorted(kept_names(entries, how), key=lambda name: name.split("/"))
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as after:
            written: dict[str, str] = {}
            for name in names:
                copy_entry(before, after, entries[name], (name, how, written))
            for name, content in how.added:
                add_file(after, name, content, how.epoch, set(names))
    return file_digest(target)


def require_whole(path: Path) -> None:
    """Raise ReadError when a tar lacks its end mark: on a full disk the engine's client writes less, silently."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - END_MARK))
        if file.read() != bytes(END_MARK):
            raise tarfile.ReadError(f"{path.name} is cut short: is the disk full?")


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def plain(name: str) -> str:
    return name.removeprefix("./").strip("/")


def kept_names(entries: dict[str, tarfile.TarInfo], how: Clean) -> Iterable[str]:
    kept = [
        name
        for name, entry in entries.items()
        if name not in ("", ".") and not LEFT_OUT.fullmatch(name) and not is_run_file(name, entry)
    ]
    parents = {name.rpartition("/")[0] for name in kept if name not in how.mount_points}
    for name in kept:
        if name not in how.mount_points or name in parents or not is_stub(entries[name]):
            yield name


def is_run_file(name: str, entry: tarfile.TarInfo) -> bool:
    """Folders below /run are part of an image, what processes left in them is not."""
    return name.startswith("run/") and not entry.isdir()


def is_stub(entry: tarfile.TarInfo) -> bool:
    return entry.isdir() or (entry.isreg() and entry.size == 0)


Naming = tuple[str, Clean, dict[str, str]]
"""Name in the new tar, how to clean, what was written under another name (for hard links)."""


def copy_entry(before: tarfile.TarFile, after: tarfile.TarFile, entry: tarfile.TarInfo, naming: Naming) -> None:
    name, how, written = naming
    new = tarfile.TarInfo(name)
    for attribute in ("mode", "uid", "gid", "size", "type", "linkname", "devmajor", "devminor"):
        setattr(new, attribute, getattr(entry, attribute))
    new.mtime = min(int(entry.mtime), how.epoch)
    if not entry.isdir() and name not in SETUID:
        new.mode &= ~(stat.S_ISUID | stat.S_ISGID)
    new.pax_headers = {key: value for key, value in entry.pax_headers.items() if key.startswith("SCHILY.xattr.")}
    if entry.islnk():
        target = plain(entry.linkname)
        if target in written:
            new.linkname = written[target]
            after.addfile(new)
            return
        new.type = tarfile.REGTYPE  # its target comes later or is left out: the first of the names is the file
        new.size = before.getmember(entry.linkname).size
        written[target] = name
    content = before.extractfile(entry) if new.isreg() else None
    if content is None:
        after.addfile(new)
        return
    written.setdefault(name, name)
    rewritten = rewrite(name, content, new.size, how.epoch)
    new.size = rewritten.size
    after.addfile(new, rewritten.content)


@dataclass(frozen=True)
class Content:
    size: int
    content: IO[bytes]


def rewrite(name: str, content: IO[bytes], size: int, epoch: int) -> Content:
    """The content without the day on which it was made."""
    if name in EMPTIED:
        return Content(0, io.BytesIO())
    if name == "etc/shadow":
        data = shadow(content.read().decode(), epoch).encode()
        return Content(len(data), io.BytesIO(data))
    if name.endswith(".pyc") and size >= 16:
        data = byte_code(content.read(), epoch)
        return Content(len(data), io.BytesIO(data))
    return Content(size, content)


def shadow(text: str, epoch: int) -> str:
    """Password changes (third field) not after the epoch, in days."""
    lines = []
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) > 2 and fields[2].isdigit():
            fields[2] = str(min(int(fields[2]), epoch // DAY))
        lines.append(":".join(fields) + "\n")
    return "".join(lines)


def byte_code(data: bytes, epoch: int) -> bytes:
    """Byte code that is compared with its source's time gets the time the source has in the layer."""
    flags, mtime = struct.unpack("<II", data[4:12])
    if flags != TIMESTAMP_PYC or mtime <= epoch:
        return data
    return data[:8] + struct.pack("<I", epoch) + data[12:]


def add_file(after: tarfile.TarFile, name: str, content: bytes, epoch: int, known: set[str]) -> None:
    """Add a file, and the folders above it that the layer does not say."""
    parts = name.split("/")
    for depth in range(1, len(parts)):
        folder = "/".join(parts[:depth])
        if folder not in known:
            known.add(folder)
            above = tarfile.TarInfo(folder)
            above.type, above.mode, above.mtime = tarfile.DIRTYPE, 0o755, epoch
            after.addfile(above)
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = len(content), epoch
    after.addfile(entry, io.BytesIO(content))


def tar_inventory(source: Path) -> dict[str, object]:
    """What `pack_layer.inventory` says, of a tar that is a whole root."""
    status, metadata = "", []
    with tarfile.open(source) as tar:
        for entry in sorted(tar, key=lambda entry: entry.name):
            name = plain(entry.name)
            wanted = name == STATUS or name.endswith(tuple(f"-info/{each}" for each in METADATA))
            if wanted and (file := tar.extractfile(entry)):
                text = file.read().decode(errors="replace")
                if name == STATUS:
                    status = text
                else:
                    metadata.append(head(text))
    return {"status": status, "metadata": metadata}
