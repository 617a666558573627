"""The verb `backup`, and the reading of what it wrote: volumes ↔ one tar file with a manifest of checksums."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import time
from pathlib import Path
from typing import Any

from mastic.agent.records import JOBS
from mastic.agent.tree import CHUNK, Tree, describe, tree_digest, walk
from mastic.agent.verbs import Step, StepFailed, Work

FORMAT = 1
MANIFEST = "manifest.json"
LARGEST_MANIFEST = 1 << 30


TRUSTING: dict[str, Any] = {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}
"""Python before 3.11.4 extracts like this by itself and does not know the word."""


def backup(work: Work, step: Step) -> str:
    """Write an archive of volumes that nobody writes to; it has its name only once it was read back and is right."""
    target = Path(step["detail"]["archive"])
    if target.exists():
        raise StepFailed(f"`{target}` exists already")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    roots = {name: root_of(work, name) for name in step["detail"]["volumes"]}
    manifest = manifest_of(work, roots)
    beside = target.with_name(f".{target.name}.new")
    try:
        write_archive(beside, manifest, roots)
        check_archive(beside, manifest)
        digest = seal(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return f"{target}, {target.stat().st_size} bytes, sha256 {digest}"


def root_of(work: Work, name: str) -> Path:
    """Where the content of a volume lies. Raises StepFailed when it is not there or not this cloud's."""
    found = work.engine.volumes().get(name)
    if found is None:
        raise StepFailed(f"volume `{name}` is not there")
    if found.labels.get("mastic.cloud") != work.site.cloud:
        raise StepFailed(f"volume `{name}` is not of cloud `{work.site.cloud}`")
    return Path(found.path)


def manifest_of(work: Work, roots: dict[str, Path]) -> dict[str, Any]:
    """Every file's checksum, and the stamps of the jobs whose effect lives in these volumes."""
    known = work.engine.volumes()
    trees = {name: describe(root) for name, root in roots.items()}
    stamps = {job: stamp for job, stamp in work.site.records.read(JOBS).items() if set(stamp["volumes"]) & set(roots)}
    return {
        "format": FORMAT,
        "cloud": work.site.cloud,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "volumes": {
            name: {"made": known[name].created_at, "digest": tree_digest(tree), "entries": tree}
            for name, tree in trees.items()
        },
        "jobs": stamps,
    }


def write_archive(path: Path, manifest: dict[str, Any], roots: dict[str, Path]) -> None:
    """The manifest first, so that it is read without the rest."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        text = json.dumps(manifest, sort_keys=True).encode()
        head = tarfile.TarInfo(MANIFEST)
        head.size, head.mode, head.mtime = len(text), 0o600, int(time.time())
        archive.addfile(head, io.BytesIO(text))
        for volume, root in roots.items():
            for item, name in walk(root):
                archive.add(item, f"{volume}/{name}" if name != "." else volume, recursive=False)
        archive.close()
        file.flush()
        os.fsync(handle)


def check_archive(path: Path, manifest: dict[str, Any]) -> None:
    """Read the archive back: every file must be what it was before. Raises StepFailed."""
    expected = {
        f"{volume}/{name}": entry[4]
        for volume, content in manifest["volumes"].items()
        for name, entry in content["entries"].items()
        if entry[0] == "file"
    }
    found: dict[str, str] = {}
    with tarfile.open(path, "r:") as archive:
        for member in archive:
            if member.name != MANIFEST and (member.isreg() or member.islnk()):
                found[member.name] = member_digest(archive, member)
    if wrong := sorted({name for name, _ in set(expected.items()) ^ set(found.items())}):
        raise StepFailed(f"`{wrong[0]}` changed while it was read: is it written to by somebody else?")


def member_digest(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    digest = hashlib.sha256()
    content = archive.extractfile(member)
    while content and (block := content.read(CHUNK)):
        digest.update(block)
    return digest.hexdigest()


def seal(path: Path, target: Path) -> str:
    """Give the archive its name, and beside it the checksum that `sha256sum --check` takes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    note = target.with_name(f"{target.name}.sha256")
    note.write_text(f"{digest.hexdigest()}  {target.name}\n")
    note.chmod(0o600)
    path.rename(target)
    os.sync()
    return digest.hexdigest()


def read_manifest(path: Path) -> dict[str, Any]:
    """What an archive says of itself. Raises OSError when it is none."""
    try:
        with tarfile.open(path, "r:") as archive:
            head = archive.next()
            content = archive.extractfile(head) if head and head.name == MANIFEST else None
            if content is None:
                raise OSError(f"`{path}` is no backup of volumes")
            manifest: dict[str, Any] = json.loads(content.read(LARGEST_MANIFEST))
    except (tarfile.TarError, ValueError) as error:
        raise OSError(f"`{path}` is no backup of volumes: {error}") from error
    if manifest.get("format") != FORMAT:
        raise OSError(f"`{path}` was written by another version of mastic")
    return manifest


def unpack(path: Path, volume: str, target: Path) -> None:
    """The content of one volume into an empty folder."""
    with tarfile.open(path, "r:") as archive:
        inside = [member for member in archive if member.name == volume or member.name.startswith(f"{volume}/")]
        for member in inside:
            member.name = member.name[len(volume) + 1 :] or "."
            if member.islnk():
                member.linkname = member.linkname[len(volume) + 1 :]
        archive.extractall(target, members=inside, numeric_owner=True, **TRUSTING)
    os.sync()


def entries_of(manifest: dict[str, Any], volume: str) -> Tree:
    """A volume's tree as it was."""
    return {name: tuple(entry) for name, entry in manifest["volumes"][volume]["entries"].items()}
