"""`keystone_register` with the real keystone of the built image, on a database in a file."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.build.standing import standing

pytestmark = pytest.mark.engine
PROGRAM = Path(__file__).parents[2] / "catalogue/keystone/image/keystone_register"
CONF = """
[DEFAULT]
log_file = /data/keystone.log
[database]
connection = sqlite:////data/keystone.sqlite
[fernet_tokens]
key_repository = /data/keys
[fernet_receipts]
key_repository = /data/keys
[credential]
key_repository = /data/keys
[identity]
password_hash_rounds = 4
max_password_length = 72
"""
URL = "https://192.0.2.1:5000"


@pytest.fixture(scope="module")
def keystone() -> str:
    """Reference of the image; the program under test is the one of this folder."""
    return standing("keystone")[0]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    for name in "01":
        (tmp_path / "keys" / name).write_text(base64.urlsafe_b64encode(os.urandom(32)).decode())
    (tmp_path / "keystone.conf").write_text(CONF)
    return tmp_path


def in_container(image: str, data: Path, *lines: str) -> list[str]:
    """What every line says on standard output; they share one container."""
    script = "\n".join(["set -e", *(f"{line}; echo ====" for line in lines)])
    command = ["docker", "run", "--rm", "--network=none", "--user=root", "--entrypoint=sh"]
    command += [f"--volume={data}:/data", f"--volume={data}/keystone.conf:/etc/keystone/keystone.conf:ro"]
    command += [f"--volume={PROGRAM}:/register:ro", image, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{done.stdout[-500:]}\n{done.stderr[-3000:]}"
    return done.stdout.split("====\n")


def consumer(name: str, password: str, type_: str, path: str = "") -> dict[str, Any]:
    said = {"user": name, "idle_user": f"{name}_2", "password": password, "service_name": name}
    return (
        said
        | {"roles": ["admin", "service"]}
        | {"service_type": type_, "endpoint": f"https://192.0.2.1/{path or name}"}
    )


def wanted(data: Path, name: str, *consumers: dict[str, Any]) -> str:
    """The command that registers them."""
    admin = {"user": "admin", "project": "admin", "password": "secret"}
    said = {"region": "here", "admin": admin, "identity_url": URL, "project": "service", "consumers": consumers}
    (data / name).write_text(json.dumps(said))
    return f"/var/lib/kolla/venv/bin/python /register /data/{name}"


def rows(data: Path, query: str) -> set[tuple[Any, ...]]:
    with sqlite3.connect(data / "keystone.sqlite") as database:
        return set(database.execute(query).fetchall())


USERS = "SELECT l.name, u.enabled FROM local_user l JOIN user u ON u.id = l.user_id"
ENDPOINTS = "SELECT s.type, e.interface, e.url FROM endpoint e JOIN service s ON s.id = e.service_id WHERE s.enabled"


def test_registers_once_follows_changes_and_removes_who_left(keystone: str, data: Path) -> None:
    glance, extra = consumer("glance", "a", "image"), consumer("x", "c", "")
    first = wanted(data, "1.json", glance, consumer("nova", "b", "compute"), extra)
    changed = wanted(data, "2.json", consumer("nova", "new", "compute", "v2.1"), extra)
    sync = "keystone-manage db_sync"
    _, made, again, followed = in_container(keystone, data, sync, first, first, changed)[:4]
    assert "user glance: created" in made
    assert again == ""
    assert "user nova: new password" in followed
    assert "user x" not in followed
    assert {"user glance: removed", "service glance: removed"} <= set(followed.splitlines())
    assert rows(data, USERS) == {("admin", 1), ("nova", 1), ("x", 1)}
    check_endpoints(data, {"identity": URL, "compute": "https://192.0.2.1/v2.1"})
    (back,) = in_container(keystone, data, first)[:1]
    assert {"user glance: created", "service glance: created"} <= set(back.splitlines())
    assert rows(data, USERS) == {("admin", 1), ("glance", 1), ("nova", 1), ("x", 1)}
    urls = {"identity": URL, "compute": "https://192.0.2.1/nova", "image": "https://192.0.2.1/glance"}
    check_endpoints(data, urls)


def check_endpoints(data: Path, urls: dict[str, str]) -> None:
    interfaces = ("public", "internal", "admin")
    assert rows(data, ENDPOINTS) == {(type_, each, url) for type_, url in urls.items() for each in interfaces}


DAMAGE = {
    "endpoint": "DELETE FROM endpoint WHERE interface = 'public' AND url LIKE '%glance'",
    "url": "UPDATE endpoint SET url = 'http://elsewhere' WHERE interface = 'public' AND url LIKE '%glance'",
    "user": "UPDATE user SET enabled = 0 WHERE id = (SELECT user_id FROM local_user WHERE name = 'glance')",
    "grant": "DELETE FROM assignment WHERE actor_id = (SELECT user_id FROM local_user WHERE name = 'glance')",
    "service": "UPDATE service SET enabled = 0 WHERE type = 'image'",
}


def test_check_names_what_was_changed_by_hand_and_changes_nothing(keystone: str, data: Path) -> None:
    first = wanted(data, "1.json", consumer("glance", "a", "image"))
    check = first.replace("/register", "/register --check")
    in_container(keystone, data, "keystone-manage db_sync", first, check)
    for name, damage in DAMAGE.items():
        with sqlite3.connect(data / "keystone.sqlite") as database:
            database.execute(damage)
        before = everything(data)
        told, healed, last = in_container(keystone, data, f"if {check}; then exit 7; fi", first, check)[:3]
        assert "glance" in told, name
        assert told.replace(" (not so)", "") == healed, name
        assert last == "", name
        assert everything(data) != before
    in_container(keystone, data, check)


def everything(data: Path) -> list[str]:
    with sqlite3.connect(data / "keystone.sqlite") as database:
        return list(database.iterdump())


def test_of_two_accounts_the_idle_one_goes_only_when_asked_and_comes_back(keystone: str, data: Path) -> None:
    first = wanted(data, "1.json", consumer("glance", "a", "image"))
    second = wanted(data, "2.json", consumer("glance", "b", "image") | {"user": "glance_2", "idle_user": "glance"})
    third = wanted(data, "3.json", consumer("glance", "c", "image"))
    retire = second.replace("/register ", "/register --retire ")
    sync = "keystone-manage db_sync"
    _, _, moved, retired, again, back = in_container(keystone, data, sync, first, second, retire, retire, third)[:6]
    assert moved.splitlines() == ["user glance_2: created", "user glance_2: role admin", "user glance_2: role service"]
    assert retired == "user glance: disabled\n"
    assert again == ""
    assert back == "user glance: enabled\nuser glance: new password\n"
    assert rows(data, USERS) == {("admin", 1), ("glance", 1), ("glance_2", 1)}


def test_another_password_of_the_administrator_revokes_no_token(keystone: str, data: Path) -> None:
    first = wanted(data, "1.json", consumer("glance", "a", "image"))
    other = first.replace("1.json", "2.json")
    (data / "2.json").write_text((data / "1.json").read_text().replace('"secret"', '"other"'))
    _, _, changed, again = in_container(keystone, data, "keystone-manage db_sync", first, other, other)[:4]
    assert changed == "user admin: new password\n"
    assert again == ""
    assert rows(data, "SELECT * FROM revocation_event") == set()
