"""Layers read where the engine keeps them say the same as the engine handing them out."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from mastic.build.engine_store import Layers, layers_of, pack_layers


def write(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    """A base, and two layers on it: the upper one changes, adds, and takes away."""
    base, middle, top = (tmp_path / name for name in ("base", "middle", "top"))
    for folder in (base, middle, top):
        folder.mkdir()
    write(base, "etc/kept", "base")
    write(base, "etc/lost", "base")
    write(middle, "etc/changed", "middle")
    write(middle, "usr/passing", "middle")
    write(top, "etc/changed", "top")
    return Layers((str(top), str(middle)), (str(base),))


def names(target: Path) -> dict[str, bytes]:
    with tarfile.open(target) as tar:
        return {entry.name: (tar.extractfile(entry) or _nothing()).read() if entry.isreg() else b"" for entry in tar}


class _nothing:
    def read(self) -> bytes:
        return b""


def test_the_topmost_layer_is_seen(layers: Layers, tmp_path: Path) -> None:
    pack_layers(layers, tmp_path / "layer.tar")
    found = names(tmp_path / "layer.tar")
    assert found["etc/changed"] == b"top"
    assert "etc/kept" not in found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make the engine's mark of a removed file")
def test_what_was_taken_away_is_marked_only_where_the_base_has_it(layers: Layers, tmp_path: Path) -> None:
    top = Path(layers.own[0])
    os.mknod(top / "etc/lost", 0o020000)
    (top / "usr").mkdir()
    os.mknod(top / "usr/passing", 0o020000)
    pack_layers(layers, tmp_path / "layer.tar")
    found = names(tmp_path / "layer.tar")
    assert ("etc/.wh.lost" in found, "usr/.wh.passing" in found, "usr/passing" in found) == (True, False, False)


def test_a_store_of_another_form_is_left_to_the_engine() -> None:
    image = {"GraphDriver": {"Name": "btrfs", "Data": None}, "RootFS": {"Layers": ["sha256:a"]}}
    assert layers_of(image, None) is None
