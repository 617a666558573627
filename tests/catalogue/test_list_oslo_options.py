"""The script that says which options an image declares, run against a made-up distribution."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mastic.cli.options import shipped_catalogue
from mastic.model.options import DeclaredOptions

SCRIPT = shipped_catalogue() / "_shared" / "image" / "list_oslo_options"
MODULE = """
print("noise while importing")

class Integer:
    def __init__(self, **limits): vars(self).update(limits)

class String(Integer): pass
class List(Integer): pass
class Old:
    def __init__(self, group, name): self.group, self.name = group, name

class Option:
    def __init__(self, name, type, **more):
        self.name, self.dest, self.type = name, name.replace("-", "_"), type
        self.multi = more.get("multi", False)
        self.deprecated_opts = more.get("old", [])
        self.deprecated_for_removal, self.deprecated_reason = more.get("removal", False), "nobody  used\\nit"

class Group:
    name = "service"

def list_opts():
    yield None, [Option("max-things", Integer(min=1, max=None))]
    yield None, [Option("mode", String(choices={"plain": "", None: ""}))]
    names = List(item_type=String(regex="^a"), bounds=True)
    yield Group(), [Option("names", names, multi=True, old=[Old("old", None)])]
    yield "service", [Option("gone", None, removal=True)]
"""


@pytest.fixture
def distribution(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH with one distribution that has options."""
    info = tmp_path / "madeup-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: madeup\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[oslo.config.opts]\nmadeup.main = madeup:list_opts\n")
    (tmp_path / "madeup.py").write_text(MODULE)
    return tmp_path


def ask(distribution: Path, *patterns: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(distribution)}
    with SCRIPT.open() as script:
        command = [sys.executable, "-", *patterns]
        return subprocess.run(command, stdin=script, env=environment, capture_output=True, text=True, check=False)


def test_options_are_told(distribution: Path) -> None:
    done = ask(distribution, "madeup.*")
    found = DeclaredOptions(sections=json.loads(done.stdout))
    assert {name: set(options) for name, options in found.sections.items()} == {
        "DEFAULT": {"max_things", "mode"},
        "service": {"names", "gone"},
    }
    things = found.sections["DEFAULT"]["max_things"]
    assert (things.type.name, things.type.min, things.type.max, things.also) == ("integer", 1, None, ("max-things",))
    assert found.sections["DEFAULT"]["mode"].type.choices == ("plain", None)
    names = found.sections["service"]["names"]
    assert names.multi and names.type.bounds and names.type.item is not None
    assert (names.type.item.regex, names.old_names) == ("^a", (("old", "names"),))
    assert found.sections["service"]["gone"].removal == "nobody used it"


def test_a_pattern_that_nothing_matches_fails(distribution: Path) -> None:
    done = ask(distribution, "madeup.main", "oslo.nothing*")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no namespace of oslo.config.opts matches: oslo.nothing*" in done.stderr


def test_a_vendors_library_that_is_left_out_hides_no_option(distribution: Path) -> None:
    module = distribution / "madeup.py"
    module.write_text("from vendor.deep import client\nfrom vendor import errors\n" + module.read_text())
    done = ask(distribution, "madeup.*")
    assert done.returncode == 0, done.stderr
    assert "max_things" in json.loads(done.stdout)["DEFAULT"]
