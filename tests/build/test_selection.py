"""Which images a command line asks for, and how they are shown and exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from mastic.build.export import tree_lines, write_dockerfiles
from mastic.build.graph import ImageGraph, image_graph
from mastic.build.selection import Selection
from mastic.errors import InputError

from .small import catalogue, cloud_file

KINDS = {"shared": "shared", "web": "openstack"}


@pytest.fixture
def graph() -> ImageGraph:
    return image_graph(catalogue(), cloud_file())


@pytest.mark.parametrize(
    ("patterns", "profiles", "names"),
    [
        (("web-api",), (), {"web-api"}),
        (("web-*",), (), {"web-api", "web-agent"}),
        (("web-(api|agent)",), (), {"web-api", "web-agent"}),
        (("w.*t",), (), {"web-agent"}),
        (("base", "lists"), (), {"base", "lists"}),
        ((), ("web",), {"web-api", "web-agent"}),
        ((), ("openstack",), {"web-api", "web-agent"}),
        (("base",), ("web",), {"base", "web-api", "web-agent"}),
        ((), (), {"root", "base", "lists", "python-base", "web-api", "web-agent"}),
    ],
)
def test_choice(graph: ImageGraph, patterns: tuple[str, ...], profiles: tuple[str, ...], names: set[str]) -> None:
    assert set(Selection(patterns, profiles, parents=False).of(graph, KINDS)) == names


def test_with_parents_everything_needed_is_chosen_and_comes_first(graph: ImageGraph) -> None:
    assert Selection(("web-api",)).of(graph, KINDS) == ("root", "base", "python-base", "lists", "web-api")


@pytest.mark.parametrize(
    ("patterns", "profiles", "message", "hint"),
    [
        (("web-ap",), (), "no image matches `web-ap`", "did you mean `web-api`?"),
        (("zzz*",), (), "no image matches `zzz*`", "images of this cloud: base, lists"),
        (("web-(",), (), "no image matches `web-(`", ""),
        ((), ("opensteck",), "no image in profile `opensteck`", "did you mean `openstack`?"),
        ((), ("zz",), "no image in profile `zz`", "profiles: openstack, shared, web"),
    ],
)
def test_what_matches_nothing_is_refused(
    graph: ImageGraph, patterns: tuple[str, ...], profiles: tuple[str, ...], message: str, hint: str
) -> None:
    with pytest.raises(InputError) as caught:
        Selection(("web-api", *patterns), profiles).of(graph, KINDS)
    assert [problem.message for problem in caught.value.problems] == [message]
    assert hint in (caught.value.problems[0].hint or "")


def test_tree_skips_what_is_not_chosen(graph: ImageGraph) -> None:
    chosen = ("root", "python-base", "web-api", "web-agent", "lists")
    assert tree_lines(graph, chosen) == [
        "root",
        "├── lists",
        "└── python-base",
        "    └── web-api",
        "        └── web-agent",
    ]


def test_exported_dockerfiles_are_what_is_built(graph: ImageGraph, tmp_path: Path) -> None:
    written = write_dockerfiles(graph, ("root", "base", "web-api"), tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "root/mmdebstrap.json",
        "base/Dockerfile",
        "web-api/Dockerfile",
    ]
    assert (tmp_path / "web-api/Dockerfile").read_text() == graph.nodes["web-api"].dockerfile
    for path, content in graph.nodes["web-api"].context.items():
        assert (tmp_path / "web-api" / path).read_bytes() == content
