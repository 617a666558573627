"""A restore or a move that was cut off anywhere: the next run finishes it or takes it back, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mastic.agent import restore
from mastic.agent.pending import NEW, OLD, stamps_in_force
from mastic.agent.records import JOBS, Records
from mastic.agent.tree import copy_tree, describe

OLD_STAMP = {"digest": "old", "volumes": {}, "at": ""}
NEW_STAMP = {"digest": "new", "volumes": {}, "at": ""}


class PowerLoss(Exception):
    """The process is gone."""


@pytest.fixture
def scene(tmp_path: Path) -> tuple[Records, list[Path]]:
    """Two volumes whose new content is unpacked beside the old one and compared."""
    records = Records(tmp_path / "agent")
    roots = [tmp_path / "one", tmp_path / "two"]
    for root in roots:
        root.mkdir()
        for name in ("a", "b"):
            (root / name).write_text(f"old {name}")
    with records.change(JOBS) as jobs:
        jobs.update({"x/load": OLD_STAMP, "x/gone": OLD_STAMP})
    told = {"forget": ["x/gone"], "stamps": {"x/load": NEW_STAMP}}
    restore.begin(records, {"jobs": told}, {root.name: root for root in roots})
    for root in roots:
        (root / NEW).mkdir()
        for name in ("b", "c"):
            (root / NEW / name).write_text(f"new {name}")
    return records, roots


def content(root: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in root.iterdir() if path.is_file()}


WHOLE_OLD = {"a": "old a", "b": "old b"}
WHOLE_NEW = {"b": "new b", "c": "new c"}


def test_what_did_not_begin_is_taken_back(scene: tuple[Records, list[Path]]) -> None:
    records, roots = scene
    restore.settle_restore(records)
    assert [content(root) for root in roots] == [WHOLE_OLD, WHOLE_OLD]
    assert not any((root / NEW).exists() for root in roots)
    assert records.read(JOBS)["x/load"] == OLD_STAMP


@pytest.mark.parametrize("calls", range(10))
def test_an_exchange_that_began_is_finished(
    scene: tuple[Records, list[Path]], calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, roots = scene
    cut_off_after(calls, monkeypatch)
    with pytest.raises(PowerLoss):
        restore.go_on(records)
    monkeypatch.undo()
    assert stamps_in_force(records.read(JOBS), records) == {"x/load": NEW_STAMP}
    restore.settle_restore(records)
    assert [content(root) for root in roots] == [WHOLE_NEW, WHOLE_NEW]
    assert not any((root / OLD).exists() for root in roots)
    assert records.read(JOBS) == {"x/load": NEW_STAMP}
    restore.settle_restore(records)
    assert [content(root) for root in roots] == [WHOLE_NEW, WHOLE_NEW]


def cut_off_after(calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine stops at a rename: the only thing by which content changes its place."""
    left = [calls]
    rename = Path.rename

    def until_then(self: Path, target: Any) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise PowerLoss
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", until_then)


def test_a_copy_is_the_same_in_everything_that_is_compared(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "inner").mkdir(parents=True)
    target.mkdir()
    (source / "inner" / "file").write_bytes(b"x" * 3_000_000)
    (source / "inner" / "file").chmod(0o4711)
    (source / "link").symlink_to("nowhere")
    (source / "inner").chmod(0o2750)
    copy_tree(source, target)
    assert describe(source) == describe(target)
    (target / "inner" / "file").write_bytes(b"y" * 3_000_000)
    assert describe(source) != describe(target)
