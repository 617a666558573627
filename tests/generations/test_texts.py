"""What the commands about generations say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mastic.cli.main import main
from mastic.errors import ExitCode
from mastic.model.generation import Head
from mastic.pipeline import survey
from mastic.plan.comparison import choose, compare
from mastic.plan.drift import Drift
from mastic.report.difference_text import parts_objects, parts_text
from mastic.report.drift_text import change_text, drift_text
from mastic.report.history_text import (
    collection_text,
    generation_object,
    generation_text,
    heads_text,
    recovered_text,
    returned_text,
    unfinished_text,
)
from tests.generations.desk import Desk
from tests.golden.compare import assert_golden

HEADS = (
    Head(1, "a", "2026-01-02T03:04:05+00:00", "apply", "ann@desk", None, "2026.2", "0.1.0+c0ffee", 120,
         ("glance", "keystone", "mariadb", "neutron", "nova"), 250.2, "verified"),
    Head(2, "b", "2026-01-03T03:04:05+00:00", "apply", "bob@desk", 1, "2026.2", "0.1.0+c0ffee", 2, ("glance",), 4.5,
         "checks failed"),
    Head(3, "c", "2026-01-03T03:05:05+00:00", "rollback to 1", "bob@desk", 2, "2026.2", "0.1.0+c0ffee", 2, ("glance",)),
)  # fmt: skip
DRIFTS = (Drift("lab", "glance-api", "stopped", "glance"), Drift("lab", "mariadb", "the volume is gone", "mariadb"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Two generations: the second in another colour, with another size."""
    desk = Desk(tmp_path / "desk")
    desk.apply()
    desk.define(settings="front: {colour: blue}, store: {size: 2}")
    desk.apply()
    return desk


def test_history() -> None:
    unfinished = unfinished_text("20260103T030405Z", "apply", 3, 1, 2, can_return=True)
    assert_golden("history", heads_text(HEADS) + "\n\n" + heads_text(()) + "\n\n" + unfinished)


def test_show(desk: Desk) -> None:
    text = generation_text(desk.history.generation(2))
    text = re.sub(r"by \S+ at \S+,", "by ann@desk at 2026-01-02T03:04:05+00:00,", text)
    text = re.sub(r"catalogue \S+,", "catalogue 0.1.0+c0ffee,", text)
    assert_golden("show", re.sub(r":[0-9a-f]{16}", ":0123456789abcdef", text))


def test_show_as_json_holds_files_with_references(desk: Desk) -> None:
    shown = json.dumps(generation_object(desk.history.generation(1)))
    assert "@@secret:store_password@@" in shown


def test_diff(desk: Desk) -> None:
    first, second = (desk.history.generation(number).desired for number in (1, 2))
    assert_golden("diff", parts_text(compare(first, second)))
    assert parts_text(compare(first, first)) == "no difference"


def test_diff_of_one_service_to_the_definition(desk: Desk) -> None:
    desk.define(services="store")
    last, now = desk.history.generation(2).desired, survey(desk.where).desired
    parts = compare(last, now, choose(last, now, "front", "here"))
    assert_golden("diff-service-leaves", parts_text(parts))
    assert {part["resource"] for part in parts_objects(parts)} == {"front@here"}


def test_drift() -> None:
    texts = [drift_text(DRIFTS, 3), drift_text((), 3), change_text(DRIFTS[:1], DRIFTS[1:])]
    assert_golden("drift", "\n\n".join(texts))


def test_rollback_gc_recover() -> None:
    sizes = {"lab": {"mastic/glance-api:1": 12_300_000, "mastic/base:2": 1_000_000}}
    texts = [
        returned_text(HEADS[2]),
        collection_text((1, 2), ("a", "b"), sizes),
        collection_text((), (), {"lab": {}}),
        recovered_text(Path("/var/lib/mastic/lab"), 3, Path("/etc/mastic/vault-password")),
    ]
    assert_golden("ways-back", "\n\n".join(texts))


@pytest.mark.parametrize("words", [["history"], ["show", "1"], ["diff", "1", "2"], ["show", "1", "--definition"]])
@pytest.mark.parametrize("as_json", [False, True])
def test_commands_that_only_read(
    words: list[str], as_json: bool, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MASTIC_STATE", str(desk.folder / "state"))
    assert main(["--cloud", str(desk.folder / "cloud.yml"), *words, *(["--json"] * as_json)]) == ExitCode.DONE
    shown = capsys.readouterr().out
    assert shown.strip()
    if as_json:
        assert json.loads(shown)["type"] == "result"


def test_unlock_without_a_holder(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--cloud", str(desk.folder / "cloud.yml"), "--state", str(desk.folder / "state"), "unlock", "0000"]
    assert main(words) == ExitCode.USER_PROBLEM
    assert "nobody holds it" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["history"], ["rollback"], ["resume"], ["gc"], ["drift"], ["show", "1"]])
def test_nothing_says_which_cloud(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--cloud", str(tmp_path / "cloud.yml"), "--state", str(tmp_path), *command]
    assert main(words) == ExitCode.USER_PROBLEM
    assert "no definition says which cloud is meant" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
