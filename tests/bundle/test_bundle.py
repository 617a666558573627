"""A cloud goes in one archive to a machine without any network and runs there."""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mastic.build.signing import make_key
from tests.bundle.machine import FETCH, Machine, forget_page, new_machine

pytestmark = pytest.mark.engine
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = new_machine(tmp_path_factory.mktemp("bundle"))
    for words in (("build",), ("bundle", "create", str(made.bundle))):
        done = made.mastic(*words)
        assert done.returncode == 0, done.stdout + done.stderr
    yield made
    shutil.rmtree(made.folder / "engine", ignore_errors=True)
    forget_page()


def test_bundle_holds_each_layer_once_with_locks_and_records(machine: Machine) -> None:
    with tarfile.open(machine.bundle) as bundle:
        names = bundle.getnames()
        images = bundle.extractfile("images.tar")
        assert images
        with tarfile.open(fileobj=images) as saved:
            layers = [name for name in saved.getnames() if name.endswith("layer.tar")]
    assert names[0] == "bundle.json"
    assert {"cloud/cloud.yml", "catalogue/page/service.yml", "catalogue/_shared/locks/2026.2.txt"} <= set(names)
    assert sum(name.startswith("records/page-") for name in names) == 2
    assert len(layers) == len(set(layers)) == 3


def test_the_same_cloud_gives_the_same_list(machine: Machine) -> None:
    again = machine.folder / "again.bundle"
    assert machine.mastic("bundle", "create", str(again)).returncode == 0
    with tarfile.open(machine.bundle) as one, tarfile.open(again) as two:
        assert one.getnames() == two.getnames()


def test_cloud_runs_from_a_bundle_without_a_network(machine: Machine) -> None:
    target, state = machine.folder / "target", "there"
    cloud = ["--cloud", str(target / "cloud/cloud.yml"), "--catalogue", str(target / "catalogue")]
    (machine.folder / "engine").mkdir(exist_ok=True)
    steps = [
        ["ip", "-json", "route"],
        machine.words("bundle", "load", str(machine.bundle), "--to", str(target), "--json", state=state),
        machine.words("build", "--list", *cloud, state=state),
        machine.words("build", "page", "--verify", *cloud, state=state),
        machine.words("apply", "--yes", "--no-verify", *cloud, state=state),
        [sys.executable, "-c", FETCH],
        machine.words("plan", "--check", *cloud, state=state),
        machine.words("destroy", "--yes", "--allow", "data-loss", *cloud, state=state),
    ]
    script = machine.folder / "steps.json"
    script.write_text(json.dumps(steps))
    runner = (
        "import json, subprocess, sys\n"
        f"for words in json.load(open({str(script)!r})):\n"
        "    done = subprocess.run(words, capture_output=True, text=True)\n"
        "    print(json.dumps([done.returncode, done.stdout, done.stderr]))\n"
        "    if done.returncode: break\n"
    )
    inside = [str(HERE / "isolated"), str(machine.folder / "engine"), sys.executable, "-c", runner]
    done = machine.run(["unshare", "--net", "--mount", *inside], MASTIC_SIGNING_KEY=str(machine.folder / "key.pub"))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer[0] for answer in answers] == [0] * len(steps), f"{answers[-1:]}\n{done.stderr}"
    assert json.loads(answers[0][1] or "[]") == [], "the namespace has a route"
    assert json.loads(answers[1][1])["result"]["cloud"] == "carried"
    assert answers[5][1].strip() == "carried"


def spoil(bundle: Path, target: Path, what: str) -> Path:
    data = bytearray(bundle.read_bytes())
    if what == "cut short":
        del data[len(data) // 2 :]
    elif what == "one byte":
        place = data.rindex(b"carried")
        data[place : place + 1] = b"C"
    elif what == "no bundle":
        data = bytearray(b"something else")
    target.write_bytes(data)
    return target


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("cut short", "cannot be read"),
        ("one byte", "is missing or damaged"),
        ("no bundle", "cannot be read"),
        ("another key", "not signed with the key that is trusted here"),
    ],
)
def test_a_damaged_or_foreign_bundle_changes_nothing(machine: Machine, tmp_path: Path, what: str, message: str) -> None:
    bundle = spoil(machine.bundle, tmp_path / "spoilt", what)
    key = machine.folder / "key.pub"
    if what == "another key":
        make_key(tmp_path / "x.pem")
        key = tmp_path / "x.pub"
    done = machine.mastic("bundle", "load", str(bundle), "--to", str(tmp_path / "to"), MASTIC_SIGNING_KEY=str(key))
    assert done.returncode == 1, done.stdout
    assert message in done.stderr and "hint:" in done.stderr
    assert list((tmp_path / "to").glob("*")) == []


def test_images_that_do_not_stand_are_named(machine: Machine, tmp_path: Path) -> None:
    text = (machine.folder / "catalogue/page/service.yml").read_text()
    (machine.folder / "catalogue/page/service.yml").write_text(text.replace("carried", "never built"))
    try:
        done = machine.mastic("bundle", "create", str(tmp_path / "b"))
    finally:
        (machine.folder / "catalogue/page/service.yml").write_text(text)
    assert (done.returncode, "is not in the engine" in done.stderr) == (1, True)
    assert not (tmp_path / "b").exists()
