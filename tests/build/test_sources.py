"""The building machine's mirrors, indexes and authorities become secrets of a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from mastic.build.sources import apt_sources, authorities, own_suite, pip_indexes, read_apt, uv_config
from mastic.errors import HostError

DEB822 = """\
Types: deb
# a comment between
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/x.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
"""


def machine(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", ".").replace("_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_mirrors_of_the_running_release_serve_the_images_release(tmp_path: Path) -> None:
    root = machine(tmp_path, etc_apt_sources__list__d_debian__sources=DEB822)
    assert apt_sources("trixie", read_apt(root / "etc/apt"), "bookworm") == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie trixie-updates\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
        "\n"
        "Types: deb\nURIs: http://mirror.example/security\nSuites: trixie-security\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    )


def test_old_lines_are_read_too(tmp_path: Path) -> None:
    lines = "# deb http://no.example x main\ndeb [arch=amd64 signed-by=/k] http://m.example/debian bookworm main\n"
    root = machine(
        tmp_path, etc_apt_sources__list=lines, etc_apt_sources__list__d_x__list="deb http://y.example z main\n"
    )
    entries = read_apt(root / "etc/apt")
    assert [entry.uris for entry in entries] == [("http://m.example/debian",), ("http://y.example",)]
    assert "http://m.example/debian" in apt_sources("trixie", entries, "bookworm")


def test_machine_without_mirror_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        apt_sources("trixie", [], "bookworm", tmp_path)
    assert "no package mirror for `bookworm`" in str(caught.value)
    assert "hint:" in str(caught.value)


@pytest.mark.parametrize(("line", "suite"), [("VERSION_CODENAME=trixie", "trixie"), ("ID=other", "")])
def test_running_release(tmp_path: Path, line: str, suite: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text(f"NAME=x\n{line}\n")
    assert own_suite(tmp_path) == suite


def test_indexes_are_taken_but_local_folders_are_not(tmp_path: Path) -> None:
    text = "[global]\nindex-url = https://index.example/simple\nextra-index-url = file:///opt/x https://more.example/simple\n"
    root = machine(tmp_path, etc_pip__conf=text)
    assert pip_indexes(root, {"HOME": str(root / "home")}) == (
        "https://index.example/simple",
        ["https://more.example/simple"],
    )


def test_environment_beats_files(tmp_path: Path) -> None:
    root = machine(tmp_path, etc_pip__conf="[global]\nindex-url = https://index.example/simple\n")
    variables = {"HOME": str(root), "PIP_INDEX_URL": "https://said.example/simple", "PIP_EXTRA_INDEX_URL": "/a/folder"}
    assert pip_indexes(root, variables) == ("https://said.example/simple", [])


def test_uv_is_told_nothing_when_nothing_is_configured() -> None:
    assert uv_config(None, []) == ""
    assert uv_config("https://a.example", ["https://b.example"]) == (
        '[[index]]\nurl = "https://b.example"\n[[index]]\nurl = "https://a.example"\ndefault = true\n'
    )


def test_authorities_of_the_environment_come_first(tmp_path: Path) -> None:
    own = machine(tmp_path, etc_ssl_certs_ca="x", own__pem="y")
    bundle = own / "etc/ssl/certs/ca-certificates.crt"
    assert authorities(own, {}) is None
    bundle.write_text("z")
    assert authorities(own, {}) == bundle
    assert authorities(own, {"PIP_CERT": str(own / "own.pem")}) == own / "own.pem"
