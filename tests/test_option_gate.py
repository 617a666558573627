"""The gate between a build and the containers that wait for it; declarations come from the store's own files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mastic.build.builder import BuildSummary
from mastic.build.engine import Engine
from mastic.build.options import OptionStore
from mastic.errors import BuildError, InputError
from mastic.load.catalogue import load_catalogue
from mastic.model.desired import Desired
from mastic.model.options import DeclaredOptions, OptionSource
from mastic.option_gate import OptionGate, check_overrides, gated
from mastic.report.json_lines import JsonReport
from tests.cases.runner import lay_out, resolve_at
from tests.resolve.test_option_check import DECLARED, OSLO, WEB


@dataclass
class Told(JsonReport):
    """Keeps what was said."""

    sentences: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.sentences.append(text)


@dataclass
class Heard:
    """What containers hear of images."""

    ready_ones: list[str] = field(default_factory=list)
    failed_ones: list[str] = field(default_factory=list)

    def ready(self, reference: str) -> None:
        self.ready_ones.append(reference)

    def failed(self, reference: str, why: str) -> None:
        self.failed_ones.append(f"{reference}: {why}")


@dataclass(frozen=True)
class Shelf(OptionStore):
    """A store that learns of an image when it is built."""

    built: dict[str, DeclaredOptions] = field(default_factory=dict)

    def read(self, reference: str, source: object) -> DeclaredOptions | None:
        return self.built.get(reference)


def gate(config: str, folder: Path) -> tuple[OptionGate, Shelf]:
    case = {"change": OSLO, "write": {"config/web.conf": config}}
    catalogue, cloud = lay_out(case, folder)
    desired: Desired = resolve_at(catalogue, cloud)
    shelf = Shelf(folder / "options", b"")
    return OptionGate(load_catalogue(catalogue), desired, shelf), shelf


def built(shelf: Shelf, heard: Heard, the_gate: OptionGate) -> BuildSummary:
    def build(graph: None, wanted: tuple[str, ...], feed: Heard) -> BuildSummary:
        for reference in wanted:
            shelf.built[reference] = DECLARED
            feed.ready(reference)
        return BuildSummary({}, wanted, 0.0)

    summary = gated(build, the_gate)(None, (WEB, "mastic/store:1"), heard)
    assert isinstance(summary, BuildSummary)
    return summary


def test_a_wrong_option_is_told_before_anything_changes(tmp_path: Path) -> None:
    the_gate, shelf = gate("[DEFAULT]\ndebg = true\n", tmp_path)
    shelf.built[WEB] = DECLARED
    with pytest.raises(InputError, match="debg"):
        check_overrides(the_gate, Told())


def test_an_image_that_is_not_built_is_checked_after_its_build(tmp_path: Path) -> None:
    the_gate, shelf = gate("[DEFAULT]\ndebg = true\n", tmp_path)
    report, heard = Told(), Heard()
    check_overrides(the_gate, report)
    assert report.sentences == [
        "options for `web` are checked when the image is built, before a container starts with them"
    ]
    with pytest.raises(BuildError, match="debg"):
        built(shelf, heard, the_gate)
    assert heard.ready_ones == ["mastic/store:1"]
    assert heard.failed_ones == [f"{WEB}: override files say options that it does not take"]


def test_right_options_let_the_image_through(tmp_path: Path) -> None:
    the_gate, shelf = gate("[DEFAULT]\nmax_things = 3\n", tmp_path)
    heard = Heard()
    built(shelf, heard, the_gate)
    assert heard == Heard([WEB, "mastic/store:1"])


def test_what_is_deprecated_is_a_warning(tmp_path: Path) -> None:
    the_gate, shelf = gate("[DEFAULT]\nmax_things = 3\n", tmp_path)
    shelf.built[WEB] = DECLARED
    report = Told()
    check_overrides(the_gate, report)
    assert report.sentences[0].startswith("warning: `max_things` in `[DEFAULT]` is the old name of `limit`")


def test_a_kept_declaration_needs_no_engine(tmp_path: Path) -> None:
    def no_engine() -> Engine:
        raise AssertionError("the engine was asked")

    store = OptionStore(tmp_path, b"script", no_engine)
    source = OptionSource(namespaces=("web",))
    with pytest.raises(AssertionError):
        store.read(WEB, source)
    (tmp_path / f"{store.name(WEB, source)}.json").write_text(DECLARED.model_dump_json(exclude_defaults=True))
    assert store.read(WEB, source) == DECLARED
    with pytest.raises(AssertionError):
        store.read(WEB, OptionSource(namespaces=("web", "more")))
