"""Making a lock from a small index on disk, and telling what is newer or vulnerable."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from mastic.build.lock import parse_lock
from mastic.build.resolver import Newer, Wish, lock_text, misfits, newer, what_is_newer
from mastic.build.vulnerable import NotReached, Vulnerable, vulnerable
from mastic.cli.main import main
from mastic.errors import BuildError, ExitCode
from mastic.model.release import Release
from tests.build.small import LOCK

RELEASE = Release(day="2026-09-30", projects={"alpha": "1"})
WISH = Wish("2026.2", RELEASE, ("beta",), "3.13", "2026-11-20")


def wheel(folder: Path, name: str, version: str, *requires: str) -> None:
    """A wheel with nothing in it."""
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {name}",
            f"Version: {version}",
            *(f"Requires-Dist: {r}" for r in requires),
        ]
        file.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(lines) + "\n")
        file.writestr(f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{name}-{version}.dist-info/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    for version in ("1.0", "1.1", "2.0"):
        wheel(folder, "alpha", version, "gamma")
    wheel(folder, "beta", "5.0")
    wheel(folder, "gamma", "3.0")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    return folder


def versions(text: str) -> dict[str, str]:
    return {name: item.version for name, item in parse_lock(text).distributions.items()}


def test_a_lock_has_the_releases_versions_hashes_and_no_place(index: Path) -> None:
    text = lock_text(WISH)
    assert versions(text) == {"alpha": "1.1", "beta": "5.0", "gamma": "3.0"}
    assert all(item.hashes for item in parse_lock(text).distributions.values())
    assert text.startswith("# 2026.2 for Python 3.13, made on 2026-11-20 by `mastic lock 2026.2`")
    assert str(index) not in text and "/" not in text.partition("\n")[2]


def test_known_versions_stay_until_an_upgrade(index: Path) -> None:
    known = lock_text(replace(WISH, release=RELEASE.model_copy(update={"projects": {"alpha": "1.0"}})))
    assert versions(known)["alpha"] == "1.0"
    assert lock_text(replace(WISH, known=known)).partition("\n")[2] == known.partition("\n")[2]
    assert what_is_newer(replace(WISH, known=known, upgrade=True)) == [Newer("alpha", "1.0", "1.1")]


def test_what_cannot_be_resolved_is_told(index: Path) -> None:
    with pytest.raises(BuildError, match=r"no lock of release `2026.2` can be made(.|\n)*alpha"):
        lock_text(replace(WISH, release=RELEASE.model_copy(update={"projects": {"alpha": "7"}})))


def test_differences_of_two_locks() -> None:
    other = LOCK.replace("beta==2.0", "beta==2.1").replace("delta==4.0", "epsilon==1")
    assert newer(parse_lock(LOCK), parse_lock(other)) == [
        Newer("beta", "2.0", "2.1"),
        Newer("delta", "4.0", None),
        Newer("epsilon", None, "1"),
    ]


@pytest.mark.parametrize(
    ("projects", "roots", "said"),
    [
        ({"alpha": "1"}, ("Gamma_Lib[x]",), []),
        ({"alpha": "10"}, (), ["it has `alpha` 1.0, the release has 10.*"]),
        ({"omega": "1"}, ("psi",), ["it lacks the project `omega`", "it lacks `psi`"]),
    ],
)
def test_a_lock_that_is_not_the_releases(projects: dict[str, str], roots: tuple[str, ...], said: list[str]) -> None:
    assert list(misfits(Release(day="2026-09-30", projects=projects), roots, parse_lock(LOCK))) == said


@contextmanager
def database(known: dict[str, str]) -> Iterator[str]:
    """A database of vulnerabilities that answers as OSV does; name → advisory."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            names = [each["package"]["name"] for each in asked["queries"]]
            results = [{"vulns": [{"id": known[name]}]} if name in known else {} for name in names]
            body = json.dumps({"results": results}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_vulnerable_versions() -> None:
    with database({"beta": "PYSEC-1"}) as url:
        assert vulnerable(parse_lock(LOCK), url) == [Vulnerable("beta", "2.0", ("PYSEC-1",))]


def test_a_database_that_does_not_answer() -> None:
    with pytest.raises(NotReached):
        vulnerable(parse_lock(LOCK), "http://127.0.0.1:1/")


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    shared = tmp_path / "catalogue/_shared"
    shared.mkdir(parents=True)
    text = 'python: "3.13"\nroots: [beta]\nreleases: {"2026.2": {day: 2026-09-30, projects: {alpha: "1"}}}\n'
    (shared / "releases.yml").write_text(text)
    return shared.parent


def test_the_command_makes_and_checks(index: Path, catalogue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lock", "2026.2", "--catalogue", str(catalogue)]) == ExitCode.DONE
    path = catalogue / "_shared/locks/2026.2.txt"
    assert capsys.readouterr().out.strip() == str(path)
    assert versions(path.read_text())["alpha"] == "1.1"
    wheel(index, "alpha", "1.2", "gamma")
    with database({"gamma": "PYSEC-2"}) as url:
        code = main(["lock", "--check", "--json", "--database", url, "--catalogue", str(catalogue)])
    found = json.loads(capsys.readouterr().out)["result"]["2026.2"]
    assert code == ExitCode.PLAN_NOT_EMPTY
    assert found["newer"] == [{"name": "alpha", "locked": "1.1", "newest": "1.2"}]
    assert found["vulnerable"] == [{"name": "gamma", "version": "3.0", "advisories": ["PYSEC-2"]}]


def test_a_check_says_that_it_could_not_look(index: Path, catalogue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["lock", "2026.2", "--catalogue", str(catalogue)])
    capsys.readouterr()
    where = ["--database", "http://127.0.0.1:1/", "--catalogue", str(catalogue)]
    assert main(["lock", "--check", *where]) == ExitCode.DONE
    assert "could not look" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [(["2026.3"], "did you mean `2026.2`?"), ([], "say which release to lock")],
)
def test_wrong_words(words: list[str], message: str, catalogue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lock", *words, "--catalogue", str(catalogue)]) == ExitCode.USER_PROBLEM
    assert message in capsys.readouterr().err
