"""The verbs `volume` and `move`: a volume is made at its place, or brought to another one.

Content is copied and compared file by file before the volume is made anew over it. The old content stays until then,
and a record lets the next run finish.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mastic.agent.archive import root_of
from mastic.agent.engine import Engine, Volume
from mastic.agent.records import MOVES, Records
from mastic.agent.tree import copy_tree, describe, discard, empty, tree_digest
from mastic.agent.verbs import ALREADY, Step, StepFailed, Work


def volume(work: Work, step: Step) -> str:
    """Create a named volume."""
    wanted = work.program["volumes"].get(step["resource"]) or step["detail"]
    found = work.engine.volumes().get(wanted["name"])
    if found is None:
        keep = "true" if wanted["keep"] else "false"
        if path := wanted.get("path"):
            require_empty(Path(path))
            Path(path).mkdir(parents=True, exist_ok=True)
        labels = {"mastic.cloud": work.site.cloud, "mastic.keep": keep}
        work.engine.create_volume(wanted["name"], labels, wanted.get("path") or "")
        return ""
    if found.labels.get("mastic.cloud") != work.site.cloud:
        raise StepFailed(f"a volume `{found.name}` exists that is not of cloud `{work.site.cloud}`")
    return ALREADY


def require_empty(path: Path) -> None:
    """Nobody else's data becomes a volume's. Raises StepFailed."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise StepFailed(f"`{path}` is not an empty folder: a volume needs one of its own")


def move(work: Work, step: Step) -> str:
    """Bring a volume to `path`; no container may have it."""
    name, target = step["detail"]["name"], Path(step["detail"]["path"])
    source = root_of(work, name)
    if source == target:
        return ALREADY
    if source in target.parents or target in source.parents:
        raise StepFailed(f"`{target}` and the present place `{source}` lie in each other")
    records, found = work.site.records, work.engine.volumes()[name]
    make_room(records, name, target)
    note(records, name, {"path": str(target), "copied": False})
    target.mkdir(parents=True, exist_ok=True)
    copy_tree(source, target)
    tree, copy = describe(source), describe(target)
    if wrong := sorted(each for each in {*tree, *copy} if tree.get(each) != copy.get(each)):
        raise StepFailed(f"`{wrong[0]}` is not the same in `{source}` and `{target}`: is it written to?")
    note(records, name, {**record_of(found), "path": str(target), "copied": True})
    work.engine.remove_volume(name)
    finish(work.engine, records, name)
    return f"{len(tree)} files and folders, checksums equal, sha256 {tree_digest(tree)[:16]}"


def record_of(found: Volume) -> dict[str, Any]:
    """What is needed to make the volume anew, and the folder to empty then (the engine empties its own)."""
    return {"labels": found.labels, "made": found.created_at, "left": found.device}


def make_room(records: Records, name: str, target: Path) -> None:
    """The place must be empty, but for what a run before had begun to copy there."""
    if records.read(MOVES).get(name, {}).get("path") == str(target) and target.is_dir():
        empty(target)
    require_empty(target)


def note(records: Records, name: str, record: dict[str, Any] | None) -> None:
    with records.change(MOVES) as moves:
        moves.pop(name, None)
        if record is not None:
            moves[name] = record


def finish(engine: Engine, records: Records, name: str) -> None:
    """Make the volume over its copied content, then let the old content go."""
    record = records.read(MOVES)[name]
    if name not in engine.volumes():
        engine.create_volume(name, {**record["labels"]}, record["path"], record["made"])
    if record["left"]:
        discard(Path(record["left"]))
    note(records, name, None)


def settle_moves(engine: Engine, records: Records) -> None:
    """Finish a move that was cut off after the old volume went; any other one is begun anew by a plan."""
    known = engine.volumes()
    for name, record in records.read(MOVES).items():
        if record["copied"] and (name not in known or known[name].device == record["path"]):
            finish(engine, records, name)
