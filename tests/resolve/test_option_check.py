"""Override files against declared options: cases as data, and what is not decided before an image is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mastic.load.strict import read_yaml
from mastic.model.desired import Desired
from mastic.model.options import DeclaredOptions, OptionSource
from mastic.resolve.option_check import Knowledge, check_options, images_to_ask
from tests.cases.runner import lay_out, resolve_at, told

CASES = read_yaml(Path(__file__).parent.parent / "cases" / "options.yml").data
WEB, OTHER = "mastic/web:0123456789abcdef", "mastic/other:0123456789abcdef"
SOURCE = OptionSource(namespaces=("web",), sections={"made_by_name": "service"})
DECLARED = DeclaredOptions.model_validate(
    {
        "sections": {
            "DEFAULT": {
                "debug": {"type": {"name": "boolean"}},
                "ratio": {"type": {"name": "float"}},
                "mode": {"type": {"name": "string", "choices": ["plain", "fancy"], "ignore_case": True}},
                "colours": {"type": {"name": "list", "item": {"name": "string", "choices": ["red", "green"]}}},
                "names": {"type": {"name": "list", "item": {"name": "string"}}},
                "hosts": {"type": {"name": "list", "item": {"name": "hostaddress"}}},
                "url": {"type": {"name": "uri"}},
                "address": {"type": {"name": "ipaddress"}},
                "free": {"type": {"name": "type"}},
                "port_number": {"type": {"name": "port", "min": 0, "max": 65535}, "also": ["port-number"]},
                "short": {"type": {"name": "string", "max_length": 5}},
                "word": {"type": {"name": "string", "regex": r"^\w+$"}},
                "leaving": {"type": {"name": "string"}, "removal": "nobody used it"},
            },
            "service": {
                "limit": {
                    "type": {"name": "integer", "min": 1},
                    "old_names": [["DEFAULT", "max_things"], ["old", "limit"]],
                },
                "many": {"type": {"name": "multistring"}, "multi": True},
            },
        }
    }
)
KNOWN = {WEB: Knowledge("web", DECLARED, SOURCE)}
OSLO = {
    "catalogue/web/service.yml": {"    copy: {start_web": "    options: [web]\n    copy: {start_web"},
    "catalogue/web/templates/web.conf.j2": {"title =": "[DEFAULT]\ntitle ="},
}
SECOND_READER = {
    "catalogue/web/service.yml": {
        "    copy: {start_web": "    options: [web]\n    copy: {start_web",
        "settings:\n  port": "  other: {from: web}\nsettings:\n  port",
        "  web-worker:\n    image: web\n": "  web-worker:\n    image: other\n",
    },
    "catalogue/web/templates/web.conf.j2": {"title =": "[DEFAULT]\ntitle ="},
}


def resolved(config: dict[str, str], folder: Path, change: dict[str, Any] | None = None) -> Desired:
    files = {f"config/{name}": text for name, text in config.items()}
    return resolve_at(*lay_out({"change": change or OSLO, "write": files}, folder))


@pytest.mark.parametrize("case", CASES, ids=[case["about"] for case in CASES])
def test_options_are_checked(case: dict[str, Any], tmp_path: Path) -> None:
    findings = check_options(resolved(case["config"], tmp_path), KNOWN)
    assert [told(problem, tmp_path) for problem in findings.errors] == case["told"]
    assert [told(problem, tmp_path) for problem in findings.warnings] == case.get("warned", [])
    assert findings.unread == set()


def test_nothing_is_asked_without_override_files(tmp_path: Path) -> None:
    assert images_to_ask(resolved({}, tmp_path)) == ()


def test_an_option_is_right_when_one_reader_knows_it(tmp_path: Path) -> None:
    desired = resolved({"global.conf": "[DEFAULT]\nonly_other = 1\n"}, tmp_path, SECOND_READER)
    other = DeclaredOptions.model_validate({"sections": {"DEFAULT": {"only_other": {"type": {"name": "string"}}}}})
    assert images_to_ask(desired) == (OTHER, WEB)
    assert check_options(desired, KNOWN | {OTHER: Knowledge("other", other, SOURCE)}).errors == []


def test_unknown_is_not_said_before_all_readers_are_known(tmp_path: Path) -> None:
    desired = resolved({"global.conf": "[DEFAULT]\nunheard = 1\n"}, tmp_path, SECOND_READER)
    findings = check_options(desired, KNOWN)
    assert (findings.errors, findings.unread) == ([], {OTHER})
    assert len(check_options(desired, KNOWN | {OTHER: Knowledge("other", DECLARED, SOURCE)}).errors) == 1


def test_a_wrong_value_is_told_by_the_first_reader(tmp_path: Path) -> None:
    desired = resolved({"global.conf": "[service]\nlimit = x\n"}, tmp_path, SECOND_READER)
    assert len(check_options(desired, KNOWN).errors) == 1
