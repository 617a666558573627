"""After the last container has gone: what the agent itself made on the host goes as well."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

from mastic.agent.engine import Engine
from mastic.agent.mounts import undo_shared
from mastic.agent.observe import Site, our_volumes
from mastic.agent.records import JOBS, KEPT, MOVES, RESTORE


def cleanup(engine: Engine, site: Site) -> dict[str, Any]:
    """Remove configuration and records; returns what is left and why it stays.

    While containers stand nothing is removed, they need it. While volumes stay, so do the stamps of jobs, which say
    what was done to the data in them, and the copy of the controller's state, which knows their passwords.
    """
    labels = engine.containers()
    containers = sorted(name for name, found in labels.items() if found.get("mastic.cloud") == site.cloud)
    volumes = sorted(our_volumes(engine, site))
    left = {"containers": containers, "volumes": volumes}
    if containers:
        return left
    undo_shared(site.records)
    remove_tree(site.config)
    needed = [name for name in (JOBS, KEPT, RESTORE, MOVES) if (site.records.folder / name).exists()]
    if volumes and needed:
        clear_but(site.records.folder, needed)
    else:
        remove_tree(site.records.folder)
    return left


def clear_but(folder: Path, kept: list[str]) -> None:
    """Remove everything in a folder but some files."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name not in kept:
            entry.unlink()


def remove_tree(folder: Path) -> None:
    """Remove a folder, and the folder above it when that is empty then."""
    if folder.exists():
        shutil.rmtree(folder)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()
