"""Wanted files → a configuration folder, and what is seen of it afterwards."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from mastic.agent.files import MissingSecret, fill_in, observe_files, remove_files, write_files
from mastic.agent.records import Busy, Records

FILES: list[dict[str, Any]] = [
    {"name": "a.conf", "content": "password = @@secret:a_password@@\n", "digest": "d1", "secrets": ["a_password"]},
    {"name": "keys/0", "content": "key", "digest": "d2", "secrets": []},
]
SECRETS = {"a_password": "s3cret"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config"


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "agent")


def write(config: Path, records: Records, files: list[dict[str, Any]] = FILES) -> list[str]:
    return write_files(config / "glance_api", files, SECRETS, records)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_filled_in_and_nobody_else_may_read(config: Path, records: Records) -> None:
    assert write(config, records) == ["a.conf", "keys/0"]
    folder = config / "glance_api"
    assert (folder / "a.conf").read_text() == "password = s3cret\n"
    assert [mode(folder), mode(folder / "a.conf"), mode(folder / "keys"), mode(folder / "keys/0")] == [
        0o700,
        0o600,
        0o700,
        0o600,
    ]
    assert mode(records.folder / "manifest.json") == 0o600
    assert "s3cret" not in (records.folder / "manifest.json").read_text()


def test_writing_again_changes_nothing(config: Path, records: Records) -> None:
    write(config, records)
    before = records.read("manifest.json")
    assert write(config, records) == []
    assert records.read("manifest.json") == before


def test_files_of_a_run_that_was_cut_off_count_as_written_by_the_next(config: Path, records: Records) -> None:
    """Whoever started before has not read them."""
    write(config, records)
    before = records.read("manifest.json")["glance_api"]["written"]
    (config / "glance_api" / "keys/0").write_text("other")
    assert write(config, records, [FILES[0], {**FILES[1], "content": "other", "digest": "d3"}]) == []
    assert records.read("manifest.json")["glance_api"]["written"] > before


def test_files_no_longer_wanted_go(config: Path, records: Records) -> None:
    write(config, records)
    assert write(config, records, FILES[:1]) == ["keys/0"]
    assert not (config / "glance_api/keys/0").exists()
    assert set(observe_files(config, records)["glance_api"]) == {"a.conf"}


@pytest.mark.parametrize("accident", ["edited", "removed", "opened to others", "replaced by a link"])
def test_what_somebody_did_by_hand_is_seen_and_repaired(config: Path, records: Records, accident: str) -> None:
    write(config, records)
    path = config / "glance_api/a.conf"
    if accident == "edited":
        path.write_text("password = other\n")
    elif accident == "opened to others":
        path.chmod(0o644)
    else:
        path.unlink()
        if accident == "replaced by a link":
            path.symlink_to("/etc/hostname")
    assert observe_files(config, records)["glance_api"]["a.conf"] == {"digest": "d1", "intact": False}
    assert write(config, records) == ["a.conf"]
    assert observe_files(config, records)["glance_api"]["a.conf"] == {"digest": "d1", "intact": True}


def test_a_missing_secret_changes_nothing(config: Path, records: Records) -> None:
    with pytest.raises(MissingSecret, match="`a_password`"):
        write_files(config / "glance_api", FILES, {}, records)
    assert not config.exists()


def test_references_only_are_replaced() -> None:
    assert fill_in("user@@host @@secret:a_password@@@", SECRETS) == b"user@@host s3cret@"


@pytest.mark.parametrize("name", ["../other/a.conf", "/etc/passwd", "keys/../../x"])
def test_no_file_leaves_the_folder(config: Path, records: Records, name: str) -> None:
    with pytest.raises(ValueError, match="does not lie"):
        write(config, records, [{"name": name, "content": "", "digest": "", "secrets": []}])


def test_removed_files_are_forgotten(config: Path, records: Records) -> None:
    write(config, records)
    remove_files(config / "glance_api", records)
    assert not (config / "glance_api").exists()
    assert observe_files(config, records) == {}


def test_only_one_run_works_on_a_host(records: Records) -> None:
    with records.only_one(), pytest.raises(Busy), Records(records.folder).only_one():
        pass
    with records.only_one():
        pass


def test_a_change_that_fails_is_not_recorded(records: Records) -> None:
    with pytest.raises(KeyError), records.change("jobs.json") as jobs:
        jobs["a"] = 1
        raise KeyError
    assert records.read("jobs.json") == {}
