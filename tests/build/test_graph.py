"""Catalogue + Cloud → image graph: references, parts of the lock, and every way to say it wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mastic.build.graph import ImageGraph, image_graph
from mastic.errors import InputError
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from mastic.model.catalogue import Catalogue

from .small import LOCK, SHARED, WEB, catalogue, cloud_file

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"


def graph_of(given: Catalogue) -> ImageGraph:
    return image_graph(given, cloud_file(*given.folders))


def changed(before: Catalogue, after: Catalogue) -> set[str]:
    """Images whose reference differs."""
    old, new = graph_of(before).references, graph_of(after).references
    return {name for name in new if old[name] != new[name]}


def test_parents_and_needs_come_first() -> None:
    graph = graph_of(catalogue())
    seen: set[str] = set()
    for name, node in graph.nodes.items():
        assert seen.issuperset(node.needs)
        seen.add(name)
    assert graph.nodes["web-api"].needs == ("python-base", "lists")
    assert [node.name for node in graph.with_ancestors(("base",))] == ["root", "base"]


def test_only_what_chosen_services_need_is_in_the_graph() -> None:
    other = "{service: other, summary: Other, kind: infrastructure, images: {other: {}}}"
    assert set(image_graph(catalogue(WEB, other), cloud_file("other")).nodes) == {"root", "base", "other"}


def test_an_image_installs_only_what_its_ancestors_lack() -> None:
    nodes = graph_of(catalogue()).nodes
    own = {name: nodes[name].context.get("context/requirements.txt", b"").decode() for name in nodes}
    assert [line.split("=")[0] for line in own["python-base"].splitlines() if "==" in line] == ["delta", "gamma-lib"]
    assert [line.split("=")[0] for line in own["web-api"].splitlines() if "==" in line] == ["alpha", "beta"]
    assert own["web-agent"] == ""


def test_the_same_input_gives_the_same_references() -> None:
    assert graph_of(catalogue()).references == graph_of(catalogue()).references


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("own package", {"web-agent"}),
        ("package of the parent", {"web-api", "web-agent"}),
        ("own version in the lock", {"web-api", "web-agent"}),
        ("shared version in the lock", {"python-base", "web-api", "web-agent"}),
        ("file of the base", {"base", "python-base", "web-api", "web-agent"}),
        ("packages of the root", {"root", "base", "lists", "python-base", "web-api", "web-agent"}),
        ("user id", {"web-api", "web-agent"}),
    ],
)
def test_a_change_reaches_that_image_and_those_on_top_of_it(what: str, expected: set[str]) -> None:
    before = catalogue()
    after = {
        "own package": lambda: catalogue(WEB.replace("iproute2", "procps")),
        "package of the parent": lambda: catalogue(WEB.replace("[curl]", "[wget]")),
        "own version in the lock": lambda: replace(before, locks={"2026.2": LOCK.replace("beta==2.0", "beta==2.1")}),
        "shared version in the lock": lambda: replace(before, locks={"2026.2": LOCK.replace("sha256:dd", "sha256:de")}),
        "file of the base": lambda: catalogue(shared_files={"start": b"#!/bin/bash\n"}),
        "packages of the root": lambda: catalogue(shared=SHARED.replace("python3, sudo", "python3")),
        "user id": lambda: replace(before, users={**before.users, "web": (42002, 42002)}),
    }[what]()
    assert changed(before, after) == expected


@pytest.mark.parametrize(
    ("web", "message", "hint"),
    [
        ("web-api: {from: pyhton-base}", "no image `pyhton-base`", "did you mean `python-base`?"),
        (
            "web-api: {from: web-agent}\n  web-agent: {from: web-api}",
            "in a circle: web-api → web-agent → web-api",
            "circle",
        ),
        ("web-api: {template: me.j2}", "no template `me.j2`", "image/"),
        ("base: {}", "image `base` is declared by `shared` and by `web`", "another name"),
        ("web-api: {python: [alfa]}", "no distribution of the 2026.2 lock `alfa`", "did you mean `alpha`?"),
        ("web-api: {user: wep}", "no user `wep`", "did you mean `web`?"),
        ("web-api: {groups: [kola]}", "no user `kola`", "did you mean `kolla`?"),
        ("web-api: {packages: {el: [curl]}}", "names no packages for `debian`", "`debian`"),
        ("web-api: {copy: {none: /usr/bin/none}}", "no file `none` under `image/`", "add the file"),
        ("web-api: {template: needs.j2}", "no image `elsewhere`", None),
        ("web-api: {template: itself.j2}", "in a circle: web-api → web-api", "circle"),
        ("web-api: {template: undefined.j2}", "'nothing' is undefined", "ARCHITECTURE"),
        ("web-api: {template: syntax.j2}", "unexpected", "ARCHITECTURE"),
    ],
)
def test_wrong_images_are_refused(web: str, message: str, hint: str | None) -> None:
    files = {
        "needs.j2": b"FROM {{ image('elsewhere') }}",
        "itself.j2": b"FROM {{ image('web-api') }}",
        "undefined.j2": b"FROM {{ parent }}\nRUN {{ nothing }}",
        "syntax.j2": b"FROM {{ parent\n",
    }
    given = catalogue(f"service: web\nsummary: Web\nkind: openstack\nimages:\n  {web}\n", shared_files=files)
    with pytest.raises(InputError) as caught:
        graph_of(given)
    assert any(message in problem.message for problem in caught.value.problems), caught.value
    if hint:
        assert any(hint in (problem.hint or "") for problem in caught.value.problems), caught.value


def test_a_template_problem_names_file_and_line() -> None:
    given = catalogue(
        "{service: web, summary: Web, kind: openstack, images: {web-api: {template: undefined.j2}}}",
        shared_files={"undefined.j2": b"FROM {{ parent }}\n\nRUN {{ nothing }}"},
    )
    with pytest.raises(InputError) as caught:
        graph_of(given)
    assert str(caught.value.problems[0].place) == "catalogue/shared/image/undefined.j2:3"


def test_all_problems_are_told_at_once() -> None:
    web = (
        WEB.replace("user: web", "user: wep").replace("Alpha[extra]", "alfa").replace("from: web-api", "from: web-app")
    )
    with pytest.raises(InputError) as caught:
        graph_of(catalogue(web))
    assert len(caught.value.problems) == 3


def test_a_release_without_lock_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        image_graph(catalogue(), cloud_file(release="2031.1"))
    assert [problem.message for problem in caught.value.problems] == ["release `2031.1` has no lock"]
    assert str(caught.value.problems[0].place) == "cloud.yml:2"


def test_nothing_of_the_building_machine_is_in_the_graph() -> None:
    """Mirrors, indexes and proxies are secrets of the build: neither text nor digest knows them."""
    graph = image_graph(load_catalogue(REPOSITORY / "catalogue"), load_cloud(REPOSITORY / "examples/laptop/cloud.yml"))
    for node in graph.nodes.values():
        assert "http" not in node.dockerfile.replace("httpd", ""), node.name


@pytest.mark.parametrize("name", ["web-api", "web-agent", "base"])
def test_dockerfile_is_as_accepted(name: str) -> None:
    assert graph_of(catalogue()).nodes[name].dockerfile == (GOLDEN / f"{name}.Dockerfile").read_text()
