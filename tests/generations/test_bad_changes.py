"""Kinds of bad change on a real engine: refused with nothing touched, or taken back; what stood serves again."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mastic.errors import MasticError
from mastic.report.plain import PlainReport
from mastic.returning import Change, apply_or_return
from tests.generations import real_desk as desk
from tests.generations.test_real_crashes import remove_everything

pytestmark = pytest.mark.engine
CLOUD = f"bad{os.getpid()}"
Spoil = Callable[[Path], None]


@dataclass(frozen=True)
class Bad:
    """A change that goes wrong, where it is noticed, and what is said."""

    spoil: Spoil
    told: str
    is_refused: bool = False
    """Before anything was touched."""


def in_service(old: str, new: str) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / "catalogue" / CLOUD / "service.yml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return spoil


def in_template(old: str, new: str) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / "catalogue" / CLOUD / "templates" / "serve.sh"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return spoil


def in_definition(text: str) -> Spoil:
    def spoil(folder: Path) -> None:
        desk.define(folder, CLOUD, text)

    return spoil


def in_image(folder: Path) -> None:
    """The next build gives an image in which nothing can start."""
    (folder / "catalogue" / "_shared" / "image" / "Dockerfile.j2").write_text("FROM {{ parent }}\nLABEL broken=yes\n")


def in_check(folder: Path) -> None:
    """What is changed works, but not as it should."""
    in_service("run: cat /ready", "run: cat /nowhere")(folder)
    desk.define(folder, CLOUD, "two")


def with_port_taken(folder: Path) -> None:
    """A third process is to listen where one of this machine's listens already."""
    port = TAKEN.getsockname()[1]
    third = f"  {CLOUD}-c:\n    image: {CLOUD}\n    place: {{group: control}}\n    command: serve\n"
    third += f'    user: root\n    root_reason: it is only a test\n    ports: ["127.0.0.1:{port}"]\n'
    in_service("checks:\n", third + "checks:\n")(folder)


TAKEN = socket.create_server(("127.0.0.1", 0))
BAD = {
    "wrong type of an option": Bad(in_definition("[1, 2]"), "must be text", is_refused=True),
    "unknown option": Bad(in_definition("one, wrod: two"), "wrod", is_refused=True),
    "broken template": Bad(in_template("{{ settings.word }}", "{{ settings.wrod }}"), "wrod", is_refused=True),
    "missing secret": Bad(in_template("_password", "_passwort"), "passwort", is_refused=True),
    "crash after start": Bad(in_template(": > /ready", "echo no database here; exit 3"), "no database"),
    "health check that never passes": Bad(in_template(": > /ready", ": > /not-ready"), "healthy"),
    "bad image": Bad(in_image, "No command specified"),
    "device that is not there": Bad(in_service("stop_seconds: 1", "devices: [/dev/nothing]"), "nothing"),
    "unreadable file": Bad(in_template(": > /ready", "cat /etc/nothing && : > /ready || exit 2"), "/etc/nothing"),
    "port clash": Bad(with_port_taken, "is taken", is_refused=True),
    "wrong capability": Bad(in_service("stop_seconds: 1", "capabilities: [NET_NOTHING]"), "NET_NOTHING"),
    "failing check": Bad(in_check, "/nowhere"),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("bad")
    desk.make(folder, CLOUD)
    desk.apply(folder)
    yield folder
    remove_everything(folder, CLOUD)


def serving() -> dict[str, str]:
    """What both processes say they serve with: the file that each has read."""
    command = ("docker", "exec")
    return {
        name: subprocess.run(
            [*command, f"{CLOUD}_{name}", "cat", "/ready", "/run.sh"], check=True, capture_output=True, text=True
        ).stdout
        for name in ("a", "b")
    }


@pytest.mark.parametrize("kind", BAD)
def test_bad_change_leaves_what_stood(kind: str, folder: Path) -> None:
    bad, before = BAD[kind], serving()
    kept = {path: path.read_text() for path in folder.rglob("*") if path.suffix in (".yml", ".sh", ".j2")}
    bad.spoil(folder)
    change = Change(boot=False)
    report = PlainReport()
    said: list[str] = []

    def offer(error: MasticError, head: object) -> bool:
        said.append(str(error))
        return True

    try:
        with pytest.raises(MasticError) as raised:
            apply_or_return(desk.where_of(folder), change, report, lambda plan: True, offer)
    finally:
        for path, text in kept.items():
            path.write_text(text)
    assert bool(said) is not bad.is_refused
    assert bad.told in "".join([*said, str(raised.value)])
    assert serving() == before
    assert desk.left_to_do(folder) == []
