"""Wanted files with secret references → files on the host, and back: what is there now."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

from mastic.agent.records import MANIFEST, Records, make_private_folder, write_private

REFERENCE = re.compile(r"@@secret:([A-Za-z0-9_.-]+)@@")
PRIVATE_FILE = 0o100600


class MissingSecret(Exception):
    """A file refers to a secret that the program does not carry."""


def fill_in(text: str, secrets: dict[str, str]) -> bytes:
    """The text with values in place of references. Raises MissingSecret."""
    missing = sorted(set(REFERENCE.findall(text)) - set(secrets))
    if missing:
        raise MissingSecret(f"the program does not carry the secret `{missing[0]}`")
    return REFERENCE.sub(lambda found: secrets[found.group(1)], text).encode()


def write_files(folder: Path, wanted: list[dict[str, Any]], secrets: dict[str, str], records: Records) -> list[str]:
    """Make `folder` hold exactly the wanted files; returns the names of those that were changed or removed."""
    contents = {file["name"]: fill_in(file["content"], secrets) for file in wanted}
    make_private_folder(folder)
    changed = [name for name, content in contents.items() if is_other(folder / name, content)]
    for name in changed:
        write_inside(folder, name, contents[name])
    surplus = [name for name in present_files(folder) if name not in contents]
    for name in surplus:
        (folder / name).unlink()
    remember(folder.name, wanted, contents, bool(changed or surplus), records)
    return changed + surplus


def is_other(path: Path, content: bytes) -> bool:
    """True when the file is missing, has other content, or others may read it."""
    try:
        return path.lstat().st_mode != PRIVATE_FILE or path.read_bytes() != content
    except OSError:
        return True


def write_inside(folder: Path, name: str, content: bytes) -> None:
    """Write a file below `folder`; its own folders become private as well."""
    path = folder / name
    if folder not in path.parents or ".." in Path(name).parts:
        raise ValueError(f"`{name}` does not lie in the configuration folder")
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    write_private(path, content)


def present_files(folder: Path) -> list[str]:
    """Names, relative to `folder`, of every file in it."""
    found = []
    for parent, _, names in os.walk(folder):
        found += [str((Path(parent) / name).relative_to(folder)) for name in names]
    return sorted(found)


def remember(
    container: str, wanted: list[dict[str, Any]], contents: dict[str, bytes], changed: bool, records: Records
) -> None:
    """Note which content was wanted and what the file then held; `written` is when the folder last changed.

    Files that hold what is wanted and are not on record as such were written by a run that was cut off right after.
    """
    with records.change(MANIFEST) as manifest:
        files = {
            file["name"]: {"digest": file["digest"], "sha256": hashlib.sha256(contents[file["name"]]).hexdigest()}
            for file in wanted
        }
        now = time.time()
        known = manifest.get(container, {"files": {}, "written": now})
        is_known = not changed and contents_of(known["files"]) == contents_of(files)
        manifest[container] = {"written": known["written"] if is_known else now, "files": files}


def contents_of(files: dict[str, dict[str, str]]) -> dict[str, str]:
    """File → digest of what it holds, as it is on record."""
    return {name: file["sha256"] for name, file in files.items()}


def observe_files(config: Path, records: Records) -> dict[str, dict[str, dict[str, Any]]]:
    """Container → file → its digest when written and whether it is still what was written."""
    return {
        container: {
            name: {"digest": file["digest"], "intact": is_intact(config / container / name, file["sha256"])}
            for name, file in entry["files"].items()
        }
        for container, entry in records.read(MANIFEST).items()
    }


def is_intact(path: Path, digest: str) -> bool:
    """False when somebody changed, removed or opened the file to others since it was written."""
    try:
        return path.lstat().st_mode == PRIVATE_FILE and hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except OSError:
        return False


def remove_files(folder: Path, records: Records) -> None:
    """Remove a container's configuration folder and the memory of it."""
    if folder.exists():
        shutil.rmtree(folder)
    with records.change(MANIFEST) as manifest:
        manifest.pop(folder.name, None)
