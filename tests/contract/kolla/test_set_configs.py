"""Scenarios of kolla_set_configs: what config.json says is what the container then has."""

from __future__ import annotations

import json
import os
import pwd
import stat
from pathlib import Path
from typing import Any

import pytest

from .conftest import Container

OWNED = {"owner": "root", "perm": "0600"}


def mode(path: Path | str) -> str:
    return f"{stat.S_IMODE(Path(path).stat().st_mode):04o}"


def entry(source: str, dest: str, **more: Any) -> dict[str, Any]:
    return {"source": source, "dest": dest, **OWNED, **more}


# The command


def test_command_is_written_for_everybody_to_read(container: Container) -> None:
    container.copy(command="glance-api --config-file '/etc/a b.conf'")
    assert (container.root / "run_command").read_text() == "glance-api --config-file '/etc/a b.conf'"
    assert mode(container.root / "run_command") == "0644"


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({}, ["`command` is missing"]),
        ({"command": ""}, ["`command`"]),
        ({"command": ["true"]}, ["`command`"]),
        ({"command": "true", "config_file": []}, ["unknown key `config_file`"]),
        ({"command": "true", "config_files": {}}, ["`config_files` must be a list"]),
        ({"command": "true", "config_files": ["x"]}, ["config_files[0] must be a mapping"]),
        ({"command": "true", "config_files": [entry("a", "b", ignore_globs=[])]}, ["unknown key `ignore_globs`"]),
        ({"command": "true", "config_files": [{"source": "a", "dest": "b"}]}, ["`owner`", "`perm`"]),
        ({"command": "true", "config_files": [entry("a", "b", perm=600)]}, ["`perm` must be a text", '"0600"']),
        ({"command": "true", "config_files": [entry("a", "b", perm="0888")]}, ["octal"]),
        ({"command": "true", "config_files": [entry("a", "b", optional="no")]}, ["`optional` must be true or false"]),
        ({"command": "true", "directories": [{"path": "/x", "owner": None, "perm": "0700"}]}, ["`owner` is missing"]),
        ({"command": "true", "files": [{"path": "/x", "owner": "root"}]}, ["`perm` is missing"]),
        ({"command": "true", "permissions": [{"path": "/x", "owner": "root", "exclude": ["("]}]}, ["regular expr"]),
        ({"config_files": [{}], "typo": 1}, ["`command` is missing", "unknown key `typo`", "`source` is missing"]),
    ],
)
def test_wrong_description_is_refused(container: Container, description: dict[str, Any], words: list[str]) -> None:
    container.config.mkdir(parents=True)
    (container.config / "config.json").write_text(json.dumps(description))
    answer = container.run()
    assert answer.code == 1
    assert "Traceback" not in answer.error
    for word in words:
        assert word in answer.error
    assert not (container.root / "run_command").exists()


def test_description_that_is_not_json_is_refused(container: Container) -> None:
    container.config.mkdir(parents=True)
    (container.config / "config.json").write_text("{")
    answer = container.run()
    assert (answer.code, "is not JSON" in answer.error) == (1, True)


def test_missing_description_is_refused(container: Container) -> None:
    assert container.run().code == 1


def test_description_may_come_from_the_environment(container: Container) -> None:
    assert container.run(KOLLA_CONFIG='{"command": "from-environment"}').code == 0
    assert (container.root / "run_command").read_text() == "from-environment"


def test_description_may_be_another_file(container: Container) -> None:
    other = container.existing("other.json", '{"command": "other"}')
    assert container.run(KOLLA_CONFIG_FILE=str(other)).code == 0
    assert (container.root / "run_command").read_text() == "other"


def test_yaml_is_preferred_to_json(container: Container) -> None:
    container.describe(command="json")
    (container.config / "config.yaml").write_text("command: yaml\n")
    assert container.run().code == 0
    assert (container.root / "run_command").read_text() == "yaml"


# Strategy


@pytest.mark.parametrize("strategy", [None, "", "COPY_SOMETIMES"])
def test_unknown_strategy_is_refused(container: Container, strategy: str | None) -> None:
    container.describe()
    answer = container.run(strategy=strategy)
    assert (answer.code, "KOLLA_CONFIG_STRATEGY" in answer.error) == (1, True)


def test_copy_once_leaves_a_configured_container_alone(container: Container) -> None:
    source = container.source("a.conf", "first")
    container.describe(config_files=[entry(source, container.path("etc/a.conf"))])
    assert container.run(strategy="COPY_ONCE").code == 0
    container.source("a.conf", "second")
    again = container.run(strategy="COPY_ONCE")
    assert (again.code, "ImmutableConfig" in again.out) == (0, True)
    assert Path(container.path("etc/a.conf")).read_text() == "first"


def test_copy_always_copies_again(container: Container) -> None:
    files = [entry(container.source("a.conf", "first"), container.path("etc/a.conf"))]
    container.copy(config_files=files)
    container.source("a.conf", "second")
    container.copy(config_files=files)
    assert Path(container.path("etc/a.conf")).read_text() == "second"


# config_files


def test_file_gets_content_owner_and_mode(container: Container) -> None:
    dest = container.path("etc/deep/a.conf")
    container.copy(config_files=[entry(container.source("a.conf", "text"), dest, owner="daemon", perm="0640")])
    status = Path(dest).stat()
    daemon = pwd.getpwnam("daemon")
    assert (status.st_uid, status.st_gid, mode(dest)) == (daemon.pw_uid, daemon.pw_gid, "0640")
    assert Path(dest).read_text() == "text"


@pytest.mark.parametrize(
    ("perm", "expected"), [("600", "0600"), ("0600", "0600"), ("1777", "1777"), ("0o640", "0640"), ("02750", "2750")]
)
def test_every_way_to_write_a_mode(container: Container, perm: str, expected: str) -> None:
    dest = container.path("etc/a.conf")
    container.copy(config_files=[entry(container.source("a.conf"), dest, perm=perm)])
    assert mode(dest) == expected
    assert container.run("--check").code == 0


@pytest.mark.parametrize("owner", ["daemon", "daemon:", "daemon:daemon", "root:daemon"])
def test_every_way_to_write_an_owner(container: Container, owner: str) -> None:
    dest = container.path("etc/a.conf")
    container.copy(config_files=[entry(container.source("a.conf"), dest, owner=owner)])
    status = Path(dest).stat()
    uid = pwd.getpwnam(owner.partition(":")[0]).pw_uid
    assert (status.st_uid, status.st_gid) == (uid, pwd.getpwnam("daemon").pw_gid)


@pytest.mark.parametrize("owner", ["nobody-of-that-name", "root:no-such-group"])
def test_unknown_owner_is_told_by_name(container: Container, owner: str) -> None:
    container.describe(config_files=[entry(container.source("a.conf"), container.path("etc/a.conf"), owner=owner)])
    answer = container.run()
    assert answer.code == 1
    assert f"`{owner.rpartition(':')[2]}`" in answer.error


def test_slash_at_the_end_copies_into(container: Container) -> None:
    container.copy(config_files=[entry(container.source("a.conf"), container.path("etc/") + "/")])
    assert Path(container.path("etc/a.conf")).is_file()


def test_glob_copies_every_match_into_a_folder(container: Container) -> None:
    for name in ("one.conf", "two.conf", "three.txt"):
        container.source(name, name)
    glob = str(container.config / "*.conf")
    container.copy(config_files=[entry(glob, container.path("etc") + "/")])
    assert sorted(path.name for path in Path(container.path("etc")).iterdir() if path.suffix) == [
        "one.conf",
        "two.conf",
    ]


def test_last_match_wins_when_many_have_one_destination(container: Container) -> None:
    for name in ("b.conf", "a.conf", "c.conf"):
        container.source(name, name)
    container.copy(config_files=[entry(str(container.config / "?.conf"), container.path("etc/one.conf"))])
    assert Path(container.path("etc/one.conf")).read_text() == "c.conf"


def test_missing_source_is_an_error_before_anything_is_copied(container: Container) -> None:
    good = entry(container.source("a.conf"), container.path("etc/a.conf"))
    container.describe(config_files=[good, entry(container.path("no/such"), container.path("etc/b.conf"))])
    answer = container.run()
    assert (answer.code, "no/such" in answer.error) == (1, True)
    assert not Path(container.path("etc/a.conf")).exists()


def test_missing_optional_source_is_no_error(container: Container) -> None:
    container.copy(config_files=[entry(container.path("no/such"), container.path("etc/b.conf"), optional=True)])
    assert not Path(container.path("etc/b.conf")).exists()


def test_folder_replaces_what_was_there(container: Container) -> None:
    container.existing("etc/policy/stale.yaml")
    container.source("policy/fresh.yaml")
    container.copy(config_files=[entry(str(container.config / "policy"), container.path("etc/policy"))])
    assert [path.name for path in Path(container.path("etc/policy")).iterdir()] == ["fresh.yaml"]


def test_merge_keeps_what_was_there(container: Container) -> None:
    container.existing("etc/policy/stale.yaml")
    container.source("policy/sub/fresh.yaml")
    folder = entry(str(container.config / "policy"), container.path("etc/policy"), merge=True)
    container.copy(config_files=[folder])
    assert Path(container.path("etc/policy/stale.yaml")).read_text() == "old\n"
    assert Path(container.path("etc/policy/sub/fresh.yaml")).is_file()
    assert container.run("--check").code == 0


def test_folders_may_be_entered_by_whoever_may_read(container: Container) -> None:
    container.source("policy/sub/a.yaml")
    container.copy(config_files=[entry(str(container.config / "policy"), container.path("etc/policy"), perm="0640")])
    assert mode(container.path("etc/policy/sub")) == "0750"
    assert mode(container.path("etc/policy/sub/a.yaml")) == "0640"
    assert container.run("--check").code == 0


def test_properties_may_be_kept(container: Container) -> None:
    source = container.source("run.sh", mode=0o751)
    os.chown(source, 1, 1)
    dest = container.path("etc/run.sh")
    container.copy(config_files=[{"source": source, "dest": dest, "preserve_properties": True}])
    assert (mode(dest), Path(dest).stat().st_uid) == ("0751", 1)
    assert container.run("--check").code == 0


@pytest.mark.parametrize("keep", [True, False])
def test_links_stay_links_only_when_properties_are_kept(container: Container, keep: bool) -> None:
    target = container.source("tree/real")
    (container.config / "tree/link").symlink_to(target)
    tree = entry(str(container.config / "tree"), container.path("etc/tree"), merge=True, preserve_properties=keep)
    container.copy(config_files=[tree])
    assert Path(container.path("etc/tree/link")).is_symlink() is keep


def test_secret_is_never_readable_by_others_while_it_is_copied(container: Container) -> None:
    """The finished file takes the place of the old one, whose wider mode it never has."""
    dest = container.existing("etc/secret")
    dest.chmod(0o666)
    before = dest.stat().st_ino
    container.copy(config_files=[entry(container.source("secret"), str(dest))])
    assert (mode(dest), dest.stat().st_ino != before) == ("0600", True)
    assert [path.name for path in dest.parent.iterdir() if path.name.startswith("secret")] == ["secret"]


# Originals


def test_original_comes_back_when_the_entry_is_forgotten(container: Container) -> None:
    dest = container.existing("etc/a.conf", "original")
    container.copy(config_files=[entry(container.source("a.conf"), str(dest))])
    container.source("a.conf", "changed")
    container.copy(config_files=[entry(container.source("a.conf"), str(dest))])
    container.copy()
    assert dest.read_text() == "original"


def test_file_without_original_goes_when_the_entry_is_forgotten(container: Container) -> None:
    dest = container.path("etc/a.conf")
    container.copy(config_files=[entry(container.source("a.conf"), dest)])
    container.copy()
    assert not Path(dest).exists()


def test_matches_of_a_glob_are_restored_too(container: Container) -> None:
    kept = container.existing("etc/a.conf", "original")
    container.source("a.conf")
    container.copy(config_files=[entry(str(container.config / "*.conf"), str(kept.parent) + "/")])
    container.copy()
    assert kept.read_text() == "original"


def test_original_folder_comes_back_with_its_modes(container: Container) -> None:
    inside = container.existing("etc/policy/old.yaml")
    inside.chmod(0o604)
    container.source("policy/new.yaml")
    container.copy(config_files=[entry(str(container.config / "policy"), container.path("etc/policy"))])
    container.copy()
    assert [path.name for path in inside.parent.iterdir()] == ["old.yaml"]
    assert mode(inside) == "0604"


# directories, files, permissions


def test_directory_is_made_with_parents(container: Container) -> None:
    container.copy(directories=[{"path": container.path("var/lib/x/y"), "owner": "daemon", "perm": "0750"}])
    assert mode(container.path("var/lib/x/y")) == "0750"


def test_file_is_made_once_and_keeps_its_content(container: Container) -> None:
    path = container.path("log")
    container.copy(files=[{"path": path, "owner": "daemon", "perm": "0640"}])
    Path(path).write_text("line")
    container.copy(files=[{"path": path, "owner": "daemon", "perm": "0600"}])
    assert (Path(path).read_text(), mode(path)) == ("line", "0600")


@pytest.mark.parametrize("kind", ["link", "folder", "no parent"])
def test_file_refuses_what_it_cannot_be(container: Container, kind: str) -> None:
    path = container.root / ("missing/log" if kind == "no parent" else "log")
    if kind == "link":
        path.symlink_to("/etc/passwd")
    elif kind == "folder":
        path.mkdir()
    container.describe(files=[{"path": str(path), "owner": "root", "perm": "0640"}])
    assert container.run().code == 1
    assert mode("/etc/passwd") == "0644"


def test_permissions_recurse_and_exclude_by_any_pattern(container: Container) -> None:
    for name in ("a/keep.pem", "a/skip.txt", "a/touch"):
        container.existing(name).chmod(0o600)
    rule = {"path": container.path("a"), "owner": "daemon", "perm": "0644", "recurse": True}
    container.copy(permissions=[{**rule, "exclude": [r"\.pem$", r"\.txt$"]}])
    assert mode(container.path("a")) == "0755"
    assert [mode(container.path(f"a/{name}")) for name in ("keep.pem", "skip.txt", "touch")] == ["0600", "0600", "0644"]


def test_permissions_apply_to_what_was_just_copied(container: Container) -> None:
    dest = container.path("etc/a.conf")
    rule = {"path": dest, "owner": "daemon", "perm": "0444"}
    container.copy(config_files=[entry(container.source("a.conf"), dest)], permissions=[rule])
    assert mode(dest) == "0444"


def test_permissions_of_a_missing_path_only_warn(container: Container) -> None:
    answer = container.copy(permissions=[{"path": container.path("none"), "owner": "root", "perm": "0644"}])
    assert "nothing matches" in answer.out


# --check


def differences() -> dict[str, str]:
    return {"content": "content differs", "mode": "mode is", "owner": "owner is not", "absence": "does not exist"}


def spoil(dest: Path, what: str) -> None:
    if what == "content":
        dest.write_text("other")
    elif what == "mode":
        dest.chmod(0o644)
    elif what == "owner":
        os.chown(dest, 1, 1)
    else:
        dest.unlink()


@pytest.mark.parametrize("what", differences())
def test_check_sees_a_difference_and_changes_nothing(container: Container, what: str) -> None:
    dest = Path(container.path("etc/a.conf"))
    container.copy(config_files=[entry(container.source("a.conf"), str(dest))])
    assert container.run("--check").code == 0
    spoil(dest, what)
    before = dest.read_text() if dest.exists() else None
    answer = container.run("--check", strategy=None)
    assert (answer.code, differences()[what] in answer.out) == (1, True)
    assert (dest.read_text() if dest.exists() else None) == before


def test_check_sees_another_command(container: Container) -> None:
    container.copy(command="one")
    container.describe(command="two")
    assert container.run("--check").code == 1


def test_check_sees_a_file_more_in_a_folder(container: Container) -> None:
    container.source("policy/a.yaml")
    container.copy(config_files=[entry(str(container.config / "policy"), container.path("etc/policy"))])
    container.existing("etc/policy/more.yaml")
    assert container.run("--check").code == 1
