"""Builds that cannot come to their end: a clear error, no tag, and nothing that a next build takes for whole."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from mastic.build.builder import How, build_images
from mastic.build.engine import Engine, find_engine
from mastic.build.graph import ImageGraph, ImageNode, image_graph
from mastic.build.signing import KEY_VARIABLE
from mastic.errors import BuildError
from mastic.execute.feed import ImageFeed
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud

pytestmark = pytest.mark.engine
REPOSITORY = Path(__file__).resolve().parents[2]
WRONG_HASH = "pyyaml==6.0.2 \\\n    --hash=sha256:" + "0" * 64 + "\n"


@dataclass(frozen=True)
class Bench:
    graph: ImageGraph
    engine: Engine
    folder: Path

    @property
    def reference(self) -> str:
        return self.graph.references["bad"]

    def fails(self, **context: bytes) -> str:
        """What is said when the image is built; nothing of it may stay."""
        before = self.engine.images()
        with pytest.raises(BuildError) as caught:
            build_images(self.graph, ("bad",), ImageFeed(), lambda event: None, self.folder, How(anew=True))
        assert self.reference not in self.engine.images()
        assert before.keys() <= self.engine.images().keys()
        assert not list((self.folder / "records").glob("bad-*"))
        return str(caught.value)


def bench(tmp_path: Path, dockerfile: str, context: dict[str, bytes], parent: str | None = None) -> Bench:
    catalogue = load_catalogue(REPOSITORY / "catalogue")
    graph = image_graph(catalogue, load_cloud(REPOSITORY / "examples/laptop/cloud.yml"))
    text = dockerfile.format(**graph.references | {"tools": graph.references.get("build-tools", "")})
    needs = (parent,) if parent else ()
    bad = ImageNode("bad", "test", f"mastic/test-bad:{uuid4().hex[:16]}", parent, needs, text, context)
    return Bench(ImageGraph({**graph.nodes, "bad": bad}), find_engine(), tmp_path)


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "key.pem"))


@pytest.fixture
def tiny_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 300 kB where builds put their files."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", disk], check=True)
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_told_and_leaves_no_tag(tmp_path: Path, tiny_disk: Path) -> None:
    made = bench(tmp_path, "FROM scratch\nCOPY big /big\n", {"big": b"x" * 200_000})
    said = made.fails()
    assert "image `bad` could not be built" in said and "space" in said


INSTALL = """\
FROM {base}
RUN --mount=type=bind,from={tools},target=/tools --mount=type=bind,source=context,target=/context \\
    --mount=type=secret,id=uv,target=/etc/uv/uv.toml --mount=type=secret,id=ca \\
    SSL_CERT_FILE=/run/secrets/ca /tools/uv venv -q /v \\
 && SSL_CERT_FILE=/run/secrets/ca /tools/uv pip install --no-cache --python /v/bin/python --no-deps --require-hashes \\
    {index} --requirements /context/requirements.txt
"""


def install(tmp_path: Path, index: str) -> Bench:
    files = {"context/requirements.txt": WRONG_HASH.encode()}
    made = bench(tmp_path, INSTALL.replace("{index}", index), files, "base")
    catalogue_graph = made.graph
    nodes = dict(catalogue_graph.nodes)
    bad = nodes.pop("bad")
    needs = ("base", "build-tools")
    node = ImageNode(bad.name, bad.service, bad.reference, "base", needs, bad.dockerfile, bad.context)
    return Bench(ImageGraph({**nodes, "bad": node}), made.engine, made.folder)


def test_a_file_with_another_checksum_is_refused(tmp_path: Path) -> None:
    said = install(tmp_path, "").fails()
    assert "hash" in said.lower() and "pyyaml" in said.lower()


def test_an_unreachable_index_is_told_with_its_address(tmp_path: Path) -> None:
    said = install(tmp_path, "--default-index http://127.0.0.1:9/simple").fails()
    assert "127.0.0.1:9" in said


INTERRUPTED = """
import sys
from pathlib import Path
from mastic.build.builder import build_images
from mastic.build.graph import ImageGraph, ImageNode
from mastic.execute.feed import ImageFeed
from tests.build.test_bad_builds import bench
made = bench(Path(sys.argv[1]), "FROM {base}\\nRUN echo begun && sleep 30 && echo %s\\n" % sys.argv[2], {}, "base")
bad = made.graph.nodes["bad"]
node = ImageNode("bad", "test", sys.argv[2], "base", ("base",), bad.dockerfile)
build_images(ImageGraph({**made.graph.nodes, "bad": node}), ("bad",), ImageFeed(), print, Path(sys.argv[1]))
"""


def test_a_killed_build_leaves_no_tag_and_no_record(tmp_path: Path) -> None:
    reference = f"mastic/test-bad:{uuid4().hex[:16]}"
    words = [sys.executable, "-c", INTERRUPTED, str(tmp_path), reference]
    with subprocess.Popen(words, cwd=REPOSITORY, env=os.environ, stdout=subprocess.DEVNULL) as build:
        log, end = tmp_path / "bad.log", time.monotonic() + 300
        while not (log.exists() and "begun" in log.read_text()):
            assert build.poll() is None and time.monotonic() < end, "the build did not begin"
        build.kill()
    assert reference not in find_engine().images()
    assert not list((tmp_path / "records").glob("bad-*"))
