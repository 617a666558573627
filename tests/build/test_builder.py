"""What is built, in which order, and what is said when it fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from mastic.build.bootstrap import Bootstrap, root_command
from mastic.build.builder import build_images, missing_nodes
from mastic.build.engine import find_engine
from mastic.build.graph import ImageGraph, ImageNode, image_graph
from mastic.build.single import last_words
from mastic.errors import BuildError
from mastic.model.run import Event

from .small import catalogue, cloud_file

NOW = datetime.now(UTC)


def small_graph() -> ImageGraph:
    return image_graph(catalogue(), cloud_file())


def present(graph: ImageGraph, *names: str, hours: int = 1) -> dict[str, datetime]:
    return {graph.nodes[name].reference: NOW - timedelta(hours=hours) for name in names}


def test_everything_is_missing_at_first_and_parents_come_first() -> None:
    graph = small_graph()
    missing = missing_nodes(graph, ("web-agent", "web-api"), {})
    assert list(missing) == ["root", "base", "python-base", "lists", "web-api", "web-agent"]


def test_nothing_is_missing_when_all_wanted_stand() -> None:
    graph = small_graph()
    assert missing_nodes(graph, ("web-agent",), present(graph, "web-agent")) == {}


def test_ancestors_of_what_stands_are_not_built() -> None:
    graph = small_graph()
    standing = present(graph, "web-api", "lists")
    assert list(missing_nodes(graph, ("web-agent", "web-api"), standing)) == ["web-agent"]


def test_old_lists_are_made_anew_only_when_something_is_built_from_them() -> None:
    graph = small_graph()
    old = present(graph, "root", "lists", "web-api", hours=25)
    assert list(missing_nodes(graph, ("web-agent",), old)) == ["lists", "web-agent"]
    everything = old | present(graph, "web-agent", hours=25)
    assert missing_nodes(graph, ("web-agent",), everything) == {}


def test_images_of_equal_weight_come_in_the_order_of_the_plan() -> None:
    graph = small_graph()
    standing = present(graph, "root", "python-base", "web-api")
    assert list(missing_nodes(graph, ("lists", "base"), standing)) == ["lists", "base"]
    assert list(missing_nodes(graph, ("base", "lists"), standing)) == ["base", "lists"]


def test_failed_step_and_its_last_lines_are_found() -> None:
    log = """\
#7 [stage-0 2/3] RUN --mount=type=secret,id=ca     --mount=type=tmpfs,target=/x     apt-get install nothing
#8 [other 1/1] RUN true
#7 0.101 Reading package lists...
#8 0.200 not this
#7 0.300 E: Unable to locate package nothing
#7 ERROR: executor failed running [/bin/sh -c apt-get install nothing]: exit code: 100
------
executor failed running
"""
    step, tail = last_words(log.splitlines())
    assert step == "[stage-0 2/3] RUN apt-get install nothing"
    assert tail == ["Reading package lists...", "E: Unable to locate package nothing"]


def test_log_without_steps_gives_its_last_lines() -> None:
    assert last_words(["E: one", "", "E: two"]) == ("", ["E: one", "E: two"])


def test_root_forgets_the_mirrors_it_was_made_from() -> None:
    command = root_command(Bootstrap("debian", "trixie", ("python3",)), "/secret/sources")
    assert command[-3:] == ["trixie", "-", "/secret/sources"]
    assert "--include=python3" in command
    assert any("sources.list.d" in part and "rm -f" in part for part in command)


@dataclass
class Heard:
    """A feed and a report that remember."""

    ready_references: list[str] = field(default_factory=list)
    failed_references: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def ready(self, reference: str) -> None:
        self.ready_references.append(reference)

    def failed(self, reference: str, why: str) -> None:
        self.failed_references.append(reference)


def node(
    name: str, tag: str, needs: tuple[str, ...] = (), dockerfile: str = "FROM scratch\nCOPY text /text\n"
) -> ImageNode:
    parent = needs[0] if needs else None
    return ImageNode(name, "test", f"mastic/test-{name}:{tag}", parent, needs, dockerfile, {"text": name.encode()})


@pytest.mark.engine
def test_one_failure_leaves_no_tag_skips_what_stands_on_it_and_builds_the_rest(tmp_path: Path) -> None:
    tag = uuid4().hex[:16]
    bad = "FROM scratch\nCOPY missing /missing\n"
    nodes = [node("good", tag), node("bad", tag, (), bad), node("child", tag, ("bad",)), node("other", tag, ("good",))]
    root = ImageNode("root", "test", f"mastic/root:{tag}", None, (), bootstrap=Bootstrap("debian", "trixie", ()))
    graph = ImageGraph({each.name: each for each in [root, *nodes]})
    heard = Heard()
    engine = find_engine()
    try:
        with pytest.raises(BuildError) as caught:
            build_images(graph, ("child", "other", "good"), heard, heard.events.append, tmp_path)
        built = {reference for reference in engine.images() if reference.endswith(tag)}
    finally:
        engine.ask("image", "rm", *(reference for reference in engine.images() if reference.endswith(tag)))
    assert built == {f"mastic/test-{name}:{tag}" for name in ("good", "other")}
    assert set(heard.ready_references) == built
    assert set(heard.failed_references) == {f"mastic/test-{name}:{tag}" for name in ("bad", "child")}
    told = {(event.id, event.state) for event in heard.events if event.state != "progress"}
    assert {("bad", "failed"), ("child", "skipped"), ("good", "done"), ("other", "done")} <= told
    text = str(caught.value)
    assert "image `bad` could not be built" in text
    assert str(tmp_path / "bad.log") in text
    assert "image `child` was not built: image `bad` could not be built" in text
