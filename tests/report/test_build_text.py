"""What `mastic build` says at its end."""

from __future__ import annotations

from pathlib import Path

from mastic.build.builder import BuildSummary
from mastic.build.engine import ImageFacts
from mastic.build.graph import ImageGraph, image_graph
from mastic.errors import Problem
from mastic.report.build_text import Outcome, outcomes, summary_lines, summary_object
from tests.build.small import catalogue, cloud_file

LOGS = Path("/logs")


def ended() -> tuple[ImageGraph, BuildSummary]:
    summary = BuildSummary(
        built={"base": 2.5},
        present=("root",),
        seconds=12.0,
        failed={"python-base": Problem("image `python-base` could not be built\n    | no space")},
        skipped={"web-api": Problem("image `web-api` was not built: image `python-base` could not be built")},
    )
    return image_graph(catalogue(), cloud_file()), summary


def found() -> list[Outcome]:
    graph, summary = ended()
    base = ImageFacts("sha256:1f", 3_000_000, (), {})
    return outcomes(graph, ("root", "web-api"), summary, {graph.nodes["base"].reference: base}, LOGS)


def test_every_touched_image_has_an_outcome() -> None:
    states = {each.name: (each.state, each.stands) for each in found()}
    assert states == {
        "root": ("reused", True),
        "base": ("built", True),
        "python-base": ("failed", False),
        "web-api": ("skipped", False),
    }


def test_summary_says_what_changed_and_counts_the_rest() -> None:
    lines = summary_lines(found(), ended()[1])
    assert lines == [
        "  built    base         2.5 s  3.0 MB",
        "  failed   python-base                 image `python-base` could not be built",
        "  skipped  web-api                     image `web-api` was not built: image `python-base` could not be built",
        "1 built, 1 reused, 1 failed, 1 skipped in 12.0 s",
    ]


def test_summary_for_programs() -> None:
    told = summary_object(found(), ended()[1])
    assert told["counts"] == {"built": 1, "reused": 1, "failed": 1, "skipped": 1}
    assert told["images"]["base"]["bytes"] == 3_000_000
    assert told["images"]["python-base"]["log"] == "/logs/python-base.log"
