"""The operator's folder `images/`: every way to change an image, and every name that matches nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mastic.build.graph import ImageGraph, image_graph
from mastic.cli.options import shipped_catalogue
from mastic.errors import InputError, MasticError
from mastic.lint.sample import sample_facts
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from mastic.model.desired import Desired
from mastic.resolve.desired import resolve

LAPTOP = Path(__file__).parents[2] / "examples/laptop/cloud.yml"
PATCH = """\
--- a/alpha/core.py
+++ b/alpha/core.py
@@ -1,3 +1,3 @@
 first
-second
+2nd
 third
"""
Files = dict[str, str]


def write(folder: Path, text: str, files: Files | None = None) -> Path:
    """A cloud definition with its `images/`; the path of the definition."""
    (folder / "cloud.yml").write_text(LAPTOP.read_text())
    (folder / "images").mkdir(exist_ok=True)
    if text:
        (folder / "images/images.yml").write_text(text)
    for name, content in (files or {}).items():
        path = folder / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder / "cloud.yml"


def graph_of(folder: Path, text: str, files: Files | None = None) -> ImageGraph:
    return image_graph(load_catalogue(shipped_catalogue()), load_cloud(write(folder, text, files)))


def differing(graph: ImageGraph) -> set[str]:
    plain = image_graph(load_catalogue(shipped_catalogue()), load_cloud(LAPTOP)).references
    return {name for name, reference in graph.references.items() if plain.get(name) != reference}


def dockerfile(graph: ImageGraph, name: str = "glance-api") -> str:
    return " ".join(graph.nodes[name].dockerfile.split())


def test_an_empty_folder_changes_nothing(tmp_path: Path) -> None:
    assert differing(graph_of(tmp_path, "")) == set()


def test_packages(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "change: {glance-api: {packages: {add: [nfs-common], remove: [qemu-utils]}}}")
    assert "--no-install-recommends nfs-common \\ &&" in dockerfile(graph)
    assert differing(graph) == {"glance-api", "glance-schema"}
    graph = graph_of(tmp_path, "change: {glance-api: {packages: {replace: [nfs-common]}}}")
    assert "--no-install-recommends nfs-common \\ &&" in dockerfile(graph)


def test_python_distributions_of_the_lock(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "change: {keystone: {python: {add: [boto3]}}}")
    assert "boto3==" in graph.nodes["keystone"].context["context/requirements.txt"].decode()


def test_commands_environment_and_files(tmp_path: Path) -> None:
    text = """
change:
  glance-api:
    run: {add: [touch /etc/mine]}
    environment: {OS_DEBUG: "1"}
    files: {motd: /etc/motd}
"""
    graph = graph_of(tmp_path, text, {"files/motd": "hello\n"})
    assert "RUN touch /etc/mine" in dockerfile(graph) and 'ENV OS_DEBUG="1"' in dockerfile(graph)
    assert graph.nodes["glance-api"].context["files/etc/motd"] == b"hello\n"


def test_a_block(tmp_path: Path) -> None:
    block = "{% block footer %}\nRUN echo {{ name }}\n{% endblock %}\n"
    block += "{% block packages %}{{ super() }}RUN true\n{% endblock %}\n"
    graph = graph_of(tmp_path, "change: {glance-api: {blocks: mine.j2}}", {"mine.j2": block})
    assert "RUN echo glance-api USER glance" in dockerfile(graph)
    assert re.search(r"qemu-utils .* RUN true RUN --mount=type=secret,id=uv", dockerfile(graph))


def test_a_template(tmp_path: Path) -> None:
    files = {"mine.Dockerfile.j2": "FROM {{ parent }}\nRUN mine {{ name }}\n"}
    graph = graph_of(tmp_path, "change: {haproxy: {template: mine.Dockerfile.j2}}", files)
    assert dockerfile(graph, "haproxy").endswith("RUN mine haproxy")


def test_a_plugin_with_a_version_and_one_in_a_folder(tmp_path: Path) -> None:
    text = "change: {neutron-server: {plugins: [networking-baremetal==7.0.0, plugins/mine]}}"
    graph = graph_of(tmp_path, text, {"plugins/mine/pyproject.toml": "[project]\n", "plugins/mine/mine.py": ""})
    context = graph.nodes["neutron-server"].context
    assert json.loads(context["context/sources.json"]) == [
        {"name": "networking-baremetal", "plugin": "networking-baremetal==7.0.0"},
        {"name": "mine", "plugin": "/sources/mine"},
    ]
    assert "sources/mine/mine.py" in context and b"neutron==29" in context["context/constraints.txt"]
    assert "/context/install-source /context/sources.json" in dockerfile(graph, "neutron-server")


def test_patches_reach_the_image_that_holds_the_project(tmp_path: Path) -> None:
    files = {"patches/oslo.db/2.patch": PATCH, "patches/oslo.db/10.patch": PATCH, "patches/nova/1.patch": PATCH}
    graph = graph_of(tmp_path, "", files)
    work = json.loads(graph.nodes["openstack-base"].context["context/sources.json"])
    assert [each["patch"].rpartition("/")[2] for each in work] == ["10.patch", "2.patch"]
    assert "sources/patches/nova/1.patch" in graph.nodes["nova-api"].context
    assert "sources.json" not in str(graph.nodes["glance-api"].context.keys())


def desired_of(path: Path) -> Desired:
    catalogue, file = load_catalogue(shipped_catalogue()), load_cloud(path)
    return resolve(catalogue, file, sample_facts(file), image_graph(catalogue, file).references, {})


def test_an_own_image_on_top_runs_in_the_place_of_another(tmp_path: Path) -> None:
    text = """
add:
  my-glance:
    from: glance-api
    packages: {debian: [nfs-common]}
    copy: {tool: /usr/local/bin/tool}
    workloads: [glance-api]
"""
    desired = desired_of(write(tmp_path, text, {"files/tool": "#!/bin/sh\n"}))
    workload = desired.workload("glance-api@laptop")
    assert workload and workload.image == "my-glance"
    assert workload.spec["image"].startswith("mastic/my-glance:")
    config = json.loads(next(each.content for each in workload.files if each.name == "config.json"))
    assert {each["owner"] for each in config["config_files"]} == {"glance"}


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("change:\n  glance: {run: {add: [x]}}", "did you mean `glance-", 2),
        ("change:\n  glance-api:\n    packages: {remove: [qemu-util]}", "did you mean `qemu-utils`", 3),
        ("change:\n  glance-api:\n    packages: {add: [qemu-utils]}", "has `qemu-utils` already", 3),
        ("change:\n  glance-api: {package: {}}", "did you mean `packages`", 2),
        ("change:\n  glance-api: {blocks: mine.j2}", "did you mean `footer`", None),
        ("change:\n  glance-api: {blocks: mne.j2}", "did you mean `mine.j2`", 2),
        ("change:\n  glance-api:\n    files: {x: /x}", "no file `files/x`", 3),
        ("change:\n  glance-api:\n    plugins: [nothing]", "`nothing` has no version", 3),
        ("add:\n  glance-api: {}", "there is an image `glance-api` already", 2),
        ("add:\n  mine: {from: glance-ap}", "did you mean `glance-api`", 2),
        ("add:\n  mine: {workloads: [glance-apy]}", "did you mean `glance-api`", 2),
    ],
)
def test_a_name_that_matches_nothing(text: str, message: str, line: int | None, tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        graph_of(tmp_path, text, {"mine.j2": "{% block foter %}{% endblock %}"})
    [problem] = told.value.problems
    assert message in str(problem)
    assert line is None or (problem.place and problem.place.line == line)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"patches/novaa/1.patch": PATCH}, "did you mean `nova`"),
        ({"patches/nova/1.diff": PATCH}, "is no patch of a project"),
        ({"patches/1.patch": PATCH}, "is no patch of a project"),
    ],
)
def test_a_patch_that_would_never_be_applied(files: Files, message: str, tmp_path: Path) -> None:
    with pytest.raises(MasticError, match=message):
        graph_of(tmp_path, "", files)


def apply(folder: Path, patch: str) -> subprocess.CompletedProcess[str]:
    """Run the image's own patching program on a folder of packages."""
    (folder / "it.patch").write_text(patch)
    program = shipped_catalogue() / "_shared/image/apply-patch"
    lines = f"import runpy, pathlib; m = runpy.run_path({str(program)!r})\n"
    lines += f"m['apply_patch'](pathlib.Path({str(folder / 'it.patch')!r}), pathlib.Path({str(folder)!r}))"
    return subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=False)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    (tmp_path / "alpha/__pycache__").mkdir(parents=True)
    (tmp_path / "alpha/core.py").write_text("zero\nfirst\nsecond\nthird\n")
    tag = sys.implementation.cache_tag
    (tmp_path / f"alpha/__pycache__/core.{tag}.pyc").write_bytes(b"old")
    return tmp_path


def test_a_patch_is_applied_where_its_lines_stand(packages: Path) -> None:
    assert apply(packages, PATCH).returncode == 0
    assert (packages / "alpha/core.py").read_text() == "zero\nfirst\n2nd\nthird\n"
    assert list((packages / "alpha/__pycache__").iterdir()) == []


def test_new_and_removed_files_and_what_is_not_installed(packages: Path) -> None:
    (packages / "alpha/gone.py").write_text("x\n")
    patch = (
        "--- /dev/null\n+++ b/alpha/new.py\n@@ -0,0 +1,2 @@\n+one\n+two\n"
        "--- a/alpha/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
        "--- a/alpha/tests/test_it.py\n+++ b/alpha/tests/test_it.py\n@@ -1 +1 @@\n-a\n+b\n"
        "--- /dev/null\n+++ b/releasenotes/notes/x.yaml\n@@ -0,0 +1 @@\n+x\n"
    )
    done = apply(packages, patch)
    assert done.returncode == 0, done.stderr
    assert (packages / "alpha/new.py").read_text() == "one\ntwo\n" and not (packages / "alpha/gone.py").exists()
    assert "alpha/tests/test_it.py is not installed" in done.stdout and "releasenotes" in done.stdout
    assert not (packages / "releasenotes").exists()


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (PATCH.replace("-second", "-other"), "alpha/core.py: what line 1 should be is not there"),
        (PATCH.replace("alpha/core.py", "alpha/none.py"), "there is no alpha/none.py"),
        (PATCH.replace("alpha/core.py", "doc/readme.py"), "none of its files is installed"),
        (PATCH.replace("alpha/core.py", "../etc/passwd"), "leads out of the folder"),
        ("nothing at all\n", "none of its files is installed"),
    ],
)
def test_a_patch_that_does_not_apply(patch: str, message: str, packages: Path) -> None:
    before = (packages / "alpha/core.py").read_text()
    done = apply(packages, patch)
    assert done.returncode != 0 and message in done.stderr
    assert (packages / "alpha/core.py").read_text() == before
