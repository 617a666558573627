"""Runs inside a build, standard library only: what an image has over its parent → one sorted tar, and its inventory.

Arguments: the parent's root, the image's root, the folder for `layer.tar` and `inventory.json`.
"""

# ruff: noqa: PTH115, PTH118, PTH119, PTH120, PTH123
# Paths are text: Path takes twice as long for the twenty thousand of an image.
from __future__ import annotations

import json
import os
import stat
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

STATUS = "var/lib/dpkg/status"
METADATA = ("METADATA", "PKG-INFO")


def main(old: str, new: str, target: str) -> None:
    Path(target).mkdir(parents=True, exist_ok=True)
    with tarfile.open(Path(target) / "layer.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        for path in changed(old, new):
            add(tar, new, path)
        for path in gone(old, new):
            whiteout = tarfile.TarInfo(os.path.join(os.path.dirname(path), f".wh.{os.path.basename(path)}"))
            tar.addfile(whiteout)
    (Path(target) / "inventory.json").write_text(json.dumps(inventory(new), sort_keys=True))


def walk(root: str, folder: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Every path below `root`, folders before what is in them, sorted."""
    for entry in sorted(os.scandir(os.path.join(root, folder)), key=lambda entry: entry.name):
        path = os.path.join(folder, entry.name)
        status = entry.stat(follow_symlinks=False)
        yield path, status
        if stat.S_ISDIR(status.st_mode):
            yield from walk(root, path)


def changed(old: str, new: str) -> list[str]:
    """Paths that are new or differ, and the folders above them; a folder's time alone is no difference."""
    found: set[str] = set()
    for path, status in walk(new):
        if differs(os.path.join(old, path), os.path.join(new, path), status):
            found.add(path)
            while path := os.path.dirname(path):
                found.add(path)
    return sorted(found, key=lambda path: path.split("/"))


def differs(old: str, new: str, status: os.stat_result) -> bool:
    try:
        before = os.lstat(old)
    except (FileNotFoundError, NotADirectoryError):
        return True
    same = ("st_mode", "st_uid", "st_gid", "st_rdev")
    if any(getattr(before, name) != getattr(status, name) for name in same) or attributes(old) != attributes(new):
        return True
    if stat.S_ISDIR(status.st_mode):
        return False
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(old) != os.readlink(new)
    return (before.st_size, before.st_mtime_ns) != (status.st_size, status.st_mtime_ns)


def gone(old: str, new: str) -> Iterator[str]:
    """Paths of the parent that the image has not; of a folder only itself."""
    lost = ""
    for path, _ in walk(old):
        if lost and path.startswith(f"{lost}/"):
            continue
        if not os.path.lexists(os.path.join(new, path)):
            lost = path
            yield path


def attributes(path: str) -> dict[str, str]:
    """Extended attributes in the form of a tar's headers: capabilities of programs."""
    names = [name for name in os.listxattr(path, follow_symlinks=False) if name.startswith(("security.", "user."))]
    return {
        f"SCHILY.xattr.{name}": os.getxattr(path, name, follow_symlinks=False).decode("utf-8", "surrogateescape")
        for name in names
    }


def add(tar: tarfile.TarFile, root: str, path: str) -> None:
    full = os.path.join(root, path)
    if stat.S_ISSOCK(os.lstat(full).st_mode):
        return
    entry = tar.gettarinfo(full, path)
    entry.pax_headers = attributes(full)
    if entry.isreg():
        with open(full, "rb") as file:
            tar.addfile(entry, file)
    else:
        tar.addfile(entry)


def inventory(root: str) -> dict[str, object]:
    """What says which packages are there: dpkg's status, and the heads of Python distributions' metadata."""
    status = Path(root) / STATUS
    return {
        "status": status.read_text(errors="replace") if status.is_file() else "",
        "metadata": [
            head(path.read_text(errors="replace"))
            for pattern in ("usr/lib/python3*/dist-packages", "var/lib/kolla/venv/lib/python3*/site-packages")
            for folder in sorted(Path(root).glob(pattern))
            for kind in ("*.dist-info/METADATA", "*.egg-info/PKG-INFO")
            for path in sorted(folder.glob(kind))
        ],
    }


def head(text: str) -> str:
    """The headers of a metadata file, without the long description."""
    return text.partition("\n\n")[0]


if __name__ == "__main__":
    main(*sys.argv[1:])
