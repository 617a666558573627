"""Operators' own sources of Python distributions: which image gets them, what counts, how they are installed."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mastic.build.graph import image_graph
from mastic.build.single import find_tool
from mastic.cli.options import shipped_catalogue
from mastic.errors import InputError, Place
from mastic.load.cloud import load_cloud
from mastic.load.sources import read_source
from mastic.model.catalogue import CloudFile
from mastic.model.source import Source
from tests.build.small import catalogue, cloud_file

PLACE = Place("cloud.yml", 7)
BACKEND = """
import pathlib, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "alpha-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as file:
        for path in pathlib.Path("alpha").rglob("*.py"):
            file.write(path)
        metadata = "Metadata-Version: 2.1\\nName: alpha\\nVersion: 1.0\\n" + REQUIRES
        file.writestr("alpha-1.0.dist-info/METADATA", metadata)
        file.writestr("alpha-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        names = [f"{each},," for each in [*file.namelist(), "alpha-1.0.dist-info/RECORD"]]
        file.writestr("alpha-1.0.dist-info/RECORD", "\\n".join(names) + "\\n")
    return name
"""
INSTALLING = b"""\
FROM {{ parent }}
{% if sources %}
RUN python3 {{ file('install-source') }} {{ sources | join(' ') }}
{% endif %}
"""


def with_source(**files: bytes) -> CloudFile:
    source = Source("beta", "./beta", PLACE, files=files or {"pyproject.toml": b"[project]"}, is_folder=True)
    return replace(cloud_file(), sources={source.name: source})


def test_only_the_image_that_holds_the_distribution_changes() -> None:
    shared = catalogue(shared_files={"Dockerfile.j2": INSTALLING, "install-source": b"#"})
    before, after = image_graph(shared, cloud_file()), image_graph(shared, with_source())
    assert {n for n in before.nodes if before.references[n] != after.references[n]} == {"web-api", "web-agent"}
    node = after.nodes["web-api"]
    assert node.context["sources/beta/pyproject.toml"] == b"[project]"
    work = [{"name": "beta", "from": "/sources/beta", "version": "2.0"}]
    assert json.loads(node.context["context/sources.json"]) == work
    assert "install-source beta" in node.dockerfile
    assert image_graph(shared, with_source(**{"a.py": b"1"})).references != after.references


def test_a_template_that_ignores_sources_is_told() -> None:
    with pytest.raises(InputError, match=r"`Dockerfile\.j2` of image `web-api` does not install `beta`"):
        image_graph(catalogue(), with_source())


@pytest.mark.parametrize(
    ("name", "message"),
    [("betta", "did you mean `beta`"), ("unheard-of", "`plugins` of an image adds")],
)
def test_a_source_of_nothing_is_told(name: str, message: str) -> None:
    source = Source(name, "1.0", PLACE, version="1.0")
    with pytest.raises(InputError, match=message) as told:
        image_graph(catalogue(), replace(cloud_file(), sources={name: source}))
    assert [problem.place for problem in told.value.problems] == [PLACE]


def project(folder: Path, text: str, requires: str = "") -> Path:
    """A Python project that needs nothing from an index to be built."""
    (folder / "alpha/tests").mkdir(parents=True)
    (folder / "alpha/__init__.py").write_text(text)
    (folder / "alpha/same.py").write_text("SAME = 1\n")
    (folder / "alpha/tests/test_it.py").write_text("")
    (folder / "backend.py").write_text(BACKEND.replace("REQUIRES", repr(requires)))
    table = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (folder / "pyproject.toml").write_text(table + '[project]\nname = "alpha"\nversion = "1.0"\n')
    return folder


def test_a_folder_is_what_git_knows_or_would_know(tmp_path: Path) -> None:
    folder = project(tmp_path / "alpha", "")
    (folder / ".gitignore").write_text("*.log\n")
    (folder / "debug.log").write_text("x")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    names = {
        ".gitignore",
        "backend.py",
        "pyproject.toml",
        "alpha/__init__.py",
        "alpha/same.py",
        "alpha/tests/test_it.py",
    }
    assert set(read_source("alpha", "alpha", tmp_path, PLACE).files) == names


def test_a_folder_without_git_leaves_out_left_overs(tmp_path: Path) -> None:
    folder = project(tmp_path / "alpha", "")
    for left in ("build/x.py", "alpha/__pycache__/x.pyc", ".tox/y"):
        (folder / left).parent.mkdir(parents=True, exist_ok=True)
        (folder / left).write_text("")
    assert not {"build/x.py", "alpha/__pycache__/x.pyc", ".tox/y"} & set(
        read_source("a", "alpha", tmp_path, PLACE).files
    )


def test_a_repository_at_a_branch(tmp_path: Path) -> None:
    folder = project(tmp_path / "repository", "")
    for words in (["init", "-q", "-b", "mine"], ["add", "."], ["commit", "-qm", "first"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(folder), *identity, *words], check=True)
    (folder / "later").write_text("not in the commit")
    found = read_source("alpha", f"git+file://{folder}@mine", tmp_path, PLACE)
    assert found.is_folder and "alpha/same.py" in found.files and "later" not in found.files
    with pytest.raises(InputError, match=r"cannot get `git\+file.*@other`"):
        read_source("alpha", f"git+file://{folder}@other", tmp_path, PLACE)


@pytest.mark.parametrize("said", ["./nowhere", "notes.txt", "empty"])
def test_what_is_no_source(said: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        read_source("alpha", said, tmp_path, PLACE)


def test_versions_and_archives(tmp_path: Path) -> None:
    (tmp_path / "alpha-1.tar.gz").write_bytes(b"x")
    assert read_source("alpha", "1.0.0rc1", tmp_path, PLACE).version == "1.0.0rc1"
    assert read_source("alpha", "alpha-1.tar.gz", tmp_path, PLACE).files == {"alpha-1.tar.gz": b"x"}


def test_a_cloud_definition_reads_its_sources(tmp_path: Path) -> None:
    project(tmp_path / "checkout", "")
    text = "cloud: lab\nhosts: {one: {}}\nservices: [web]\nsources: {Al_pha: ./checkout}\n"
    (tmp_path / "cloud.yml").write_text(text)
    assert "alpha/same.py" in load_cloud(tmp_path / "cloud.yml").sources["al-pha"].files


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment as an image has it, with alpha of the lock installed and compiled."""
    venv, uv = tmp_path / "venv", find_tool("uv")
    variables = os.environ | {"MASTIC_VENV": str(venv), "MASTIC_UV": uv, "UV_CACHE_DIR": str(tmp_path / "cache")}
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(venv)], check=True, env=variables)
    install(variables, project(tmp_path / "locked", "VALUE = 'lock'\n"), tmp_path)
    return variables


def install(variables: dict[str, str], folder: Path, scratch: Path) -> subprocess.CompletedProcess[str]:
    description = scratch / "sources.json"
    description.write_text(json.dumps([{"name": "alpha", "from": str(folder), "version": "1.0"}]))
    script = shipped_catalogue() / "_shared/image/install-source"
    command = [f"{variables['MASTIC_VENV']}/bin/python", str(script), str(description)]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def value(variables: dict[str, str]) -> str:
    command = [f"{variables['MASTIC_VENV']}/bin/python", "-c", "import alpha; print(alpha.VALUE)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_changed_line_is_what_runs(environment: dict[str, str], tmp_path: Path) -> None:
    assert value(environment) == "lock"
    done = install(environment, project(tmp_path / "mine", "VALUE = 'mine'\n"), tmp_path)
    assert "alpha: 1 files differ" in done.stdout, done.stderr
    assert value(environment) == "mine"
    package = next((tmp_path / "venv").glob("lib/python3*/site-packages/alpha"))
    assert sorted(path.name for path in package.iterdir()) == ["__init__.py", "__pycache__", "same.py"]
    assert len(list((package / "__pycache__").iterdir())) == 2


def test_a_source_that_needs_more_than_the_image_has(environment: dict[str, str], tmp_path: Path) -> None:
    done = install(environment, project(tmp_path / "mine", "", "Requires-Dist: omega>=2\n"), tmp_path)
    assert done.returncode != 0
    assert "omega" in done.stderr and "does not fit the release's lock" in done.stderr


@pytest.mark.parametrize("declared", ["pyproject.toml", "setup.cfg"])
def test_a_checkout_without_git_says_which_files_it_has(declared: str, tmp_path: Path) -> None:
    texts = {"pyproject.toml": '[project]\nname = "oslo.alpha"\n', "setup.cfg": "[metadata]\nname = oslo.alpha\n"}
    (tmp_path / "alpha/deep").mkdir(parents=True)
    (tmp_path / "alpha/deep/it.py").write_text("")
    (tmp_path / declared).write_text(texts[declared])
    script = shipped_catalogue() / "_shared/image/install-source"
    runpy.run_path(str(script))["list_files"](tmp_path)
    listed = (tmp_path / "oslo.alpha.egg-info/SOURCES.txt").read_text()
    assert listed.split() == ["alpha/deep/it.py", declared]
