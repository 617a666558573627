"""The verb `restore`: an archive's content in place of the present one, which goes last of all.

The new content is unpacked beside the old one, inside the volume, and compared with the manifest. Only then do they
change places, under a record that lets the next run finish what was begun, or take back what was not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mastic.agent.archive import check_archive, entries_of, read_manifest, root_of, unpack
from mastic.agent.pending import IN, NEW, OLD, is_under_way, roots_of, stamps_in_force
from mastic.agent.records import JOBS, RESTORE, Records
from mastic.agent.tree import OURS, describe, discard, like
from mastic.agent.verbs import Step, StepFailed, Work


def restore(work: Work, step: Step) -> str:
    """Replace the content of volumes, all of them or none."""
    detail = step["detail"]
    path = Path(detail["archive"])
    manifest = read_manifest(path)
    if {name: each["digest"] for name, each in manifest["volumes"].items()} != detail["volumes"]:
        raise StepFailed(f"`{path}` is another archive than the one that was planned with")
    check_archive(path, manifest)
    roots = {name: root_of(work, name) for name in detail["volumes"]}
    begin(work.site.records, detail, roots)
    for name, root in roots.items():
        unpack_beside(path, name, root, manifest)
    go_on(work.site.records)
    return f"{sum(len(each['entries']) for each in manifest['volumes'].values())} files and folders, checksums equal"


def begin(records: Records, detail: dict[str, Any], roots: dict[str, Path]) -> None:
    """On record before anything is unpacked: the next run knows what to clear away."""
    with records.change(RESTORE) as record:
        record.update(roots={name: str(root) for name, root in roots.items()}, jobs=detail["jobs"])
    for root in roots.values():
        clear(root)


def unpack_beside(path: Path, name: str, root: Path, manifest: dict[str, Any]) -> None:
    beside = root / NEW
    beside.mkdir(mode=0o700)
    unpack(path, name, beside)
    wanted, found = entries_of(manifest, name), describe(beside)
    if wrong := sorted(each for each in {*wanted, *found} if wanted.get(each) != found.get(each)):
        raise StepFailed(f"`{wrong[0]}` of volume `{name}` is not as it was when it was archived")


def settle_restore(records: Records) -> None:
    """What a run before left: finished when the first file was on its way, else taken back."""
    if is_under_way(records):
        go_on(records)
        return
    roots = roots_of(records)
    if roots:
        for root in roots:
            clear(root)
        forget(records)


def go_on(records: Records) -> None:
    """Exchange new and old; may be cut off anywhere and begun again."""
    roots = roots_of(records)
    for root in roots:  # first of all volumes: from here on there is only the way forward
        if (root / NEW).exists():
            (root / OLD).mkdir(mode=0o700, exist_ok=True)
    for root in roots:
        exchange(root)
    with records.change(JOBS) as jobs:
        wanted = stamps_in_force(jobs, records)
        jobs.clear()
        jobs.update(wanted)
    for root in roots:
        discard(root / OLD)
    forget(records)


def exchange(root: Path) -> None:
    """By renames: the old content stays whole beside the new one."""
    if (root / NEW).exists():
        for path in contents(root):
            path.rename(root / OLD / path.name)
        (root / NEW).rename(root / IN)
    if (root / IN).exists():
        like(root / IN, root)
        for path in list((root / IN).iterdir()):
            path.rename(root / path.name)
        (root / IN).rmdir()


def contents(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if not path.name.startswith(OURS)]


def clear(root: Path) -> None:
    for mark in (NEW, IN, OLD):
        discard(root / mark)


def forget(records: Records) -> None:
    (records.folder / RESTORE).unlink(missing_ok=True)
