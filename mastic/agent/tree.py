"""A folder of data: what is in it, a copy of it, and its emptying (part of how a host keeps data, verbs → disk)."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

CHUNK = 1 << 20
OURS = ".mastic-"
"""What the agent itself puts into a volume for a while begins so; it is no content."""
Entry = tuple[str, int, int, int, str]
"""(kind, mode, user, group, content): sha256 of a file, target of a link, numbers of a device."""
Tree = dict[str, Entry]
"""Path below the folder (`.` is the folder itself) → entry."""


def describe(root: Path) -> Tree:
    """Everything in a folder, every file by its checksum. Sockets are left out: they hold nothing."""
    return {name: entry for path, name in walk(root) if (entry := entry_of(path))}


def walk(root: Path) -> Iterator[tuple[Path, str]]:
    """The folder itself, then everything in it, parents first, in order of names."""
    yield root, "."
    todo = [root]
    while todo:
        folder = todo.pop()
        for path in sorted(folder.iterdir()):
            if folder == root and path.name.startswith(OURS):
                continue
            yield path, str(path.relative_to(root))
            if path.is_dir() and not path.is_symlink():
                todo.append(path)


def entry_of(path: Path) -> Entry | None:
    found = path.lstat()
    kind, rest = stat.S_IFMT(found.st_mode), (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
    if stat.S_ISREG(kind):
        return ("file", *rest, file_digest(path))
    if stat.S_ISLNK(kind):
        return ("link", *rest, str(path.readlink()))
    if stat.S_ISDIR(kind):
        return ("folder", *rest, "")
    return None if stat.S_ISSOCK(kind) else (f"special {kind:o}", *rest, str(found.st_rdev))


def file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def tree_digest(tree: Tree) -> str:
    """One checksum over all."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()


def copy_tree(source: Path, target: Path) -> None:
    """Copy everything, with owners, modes, times and hard links, into an empty folder, and see it onto the disk."""
    links: dict[tuple[int, int], Path] = {}
    folders: list[tuple[Path, Path]] = []
    for path, name in walk(source):
        there = target / name
        found = path.lstat()
        if stat.S_ISDIR(found.st_mode):
            there.mkdir(exist_ok=True)
            folders.append((path, there))
        elif found.st_nlink > 1 and (found.st_dev, found.st_ino) in links:
            os.link(links[found.st_dev, found.st_ino], there, follow_symlinks=False)
        elif not stat.S_ISSOCK(found.st_mode):
            copy_one(path, there, found)
            links[found.st_dev, found.st_ino] = there
    for path, there in reversed(folders):  # last: what is put into a folder changes its time
        like(path, there)
    os.sync()


def copy_one(path: Path, there: Path, found: os.stat_result) -> None:
    if stat.S_ISREG(found.st_mode):
        shutil.copyfile(path, there)
    elif stat.S_ISLNK(found.st_mode):
        there.symlink_to(path.readlink())
    else:
        os.mknod(there, found.st_mode, found.st_rdev)
    like(path, there)


def like(path: Path, there: Path) -> None:
    """Owner first: a change of owner takes the set-user-id bit away."""
    found = path.lstat()
    os.chown(there, found.st_uid, found.st_gid, follow_symlinks=False)
    shutil.copystat(path, there, follow_symlinks=False)


def empty(root: Path) -> None:
    """Remove everything in a folder, also what is the agent's own."""
    for path in root.iterdir():
        discard(path)


def discard(path: Path) -> None:
    """Remove a file or a folder with all it holds; none is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def size_of(root: Path) -> int:
    """Bytes on the disk; what goes away meanwhile does not count."""
    total = 0
    for folder, _, files in os.walk(root):
        for name in files:
            try:
                total += (Path(folder) / name).lstat().st_blocks * 512
            except FileNotFoundError:
                continue
    return total
