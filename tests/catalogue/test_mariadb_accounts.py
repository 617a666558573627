"""Accounts made by `mariadb_accounts`, and its `--check`, with the server of the catalogue's own image."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tests.build.standing import standing

pytestmark = pytest.mark.engine

FOLDER = Path(__file__).parents[2] / "catalogue/mariadb"
CONSUMERS = [
    {"user": "glance", "password": "one", "databases": ["glance"]},
    {"user": "nova", "password": "two", "databases": ["nova", "nova_api"]},
]
SERVE = """
mariadb-install-db --no-defaults --datadir=/tmp/data --user=mysql --auth-root-authentication-method=socket \
  --auth-root-socket-user=mysql --skip-test-db >/dev/null
exec mariadbd --no-defaults --datadir=/tmp/data --socket=/tmp/sock --skip-networking
"""
WAIT = "until mariadb --no-defaults --socket=/tmp/sock -e STATUS >/dev/null 2>&1; do sleep 0.1; done"


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a container with an empty database, program and statements under /x."""
    (image,) = standing("mariadb")
    folder = tmp_path_factory.mktemp("statements")
    folder.chmod(0o755)
    templates = Environment(loader=FileSystemLoader(FOLDER / "templates"), undefined=StrictUndefined, autoescape=False)
    for name in ("accounts.sql", "accounts_check.sql"):
        text = templates.get_template(f"{name}.j2").render(consumers={"sql": CONSUMERS})
        (folder / name).write_text(text)
    name = f"accounts{os.getpid()}"
    mounts = [f"--volume={folder}:/x:ro", f"--volume={FOLDER}/image/mariadb_accounts:/program:ro"]
    options = ["--rm", "--detach", "--name", name, "--network=none", "--user=mysql", "--entrypoint=sh", *mounts]
    docker("run", *options, image, "-c", SERVE)
    docker("exec", name, "sh", "-c", f"timeout 60 sh -c '{WAIT}'")
    yield name
    docker("rm", "-f", name)


def accounts(server: str, *words: str) -> tuple[int, list[str]]:
    command = ["docker", "exec", server, "sh", "/program", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def check(server: str) -> tuple[int, list[str]]:
    return accounts(server, "--check", "/tmp/sock", "/x/accounts_check.sql")


DAMAGE = [
    ("REVOKE INSERT ON `nova\\_api`.* FROM nova", "account nova has not all rights on database nova_api"),
    ("ALTER USER nova IDENTIFIED BY 'other'", "account nova is not there with its password"),
    ("DROP DATABASE nova_api", "database nova_api is not there"),
]


@pytest.mark.parametrize(("damage", "told"), DAMAGE)
def test_what_was_changed_by_hand_is_named_and_made_again(server: str, damage: str, told: str) -> None:
    assert accounts(server, "/tmp/sock", "/x/accounts.sql") == (0, [])
    assert check(server) == (0, [])
    docker("exec", server, "mariadb", "--no-defaults", "--socket=/tmp/sock", "-e", damage)
    assert check(server) == (1, [told])
    assert accounts(server, "/tmp/sock", "/x/accounts.sql") == (0, [])
    assert check(server) == (0, [])


def test_account_that_is_gone(server: str) -> None:
    accounts(server, "/tmp/sock", "/x/accounts.sql")
    docker("exec", server, "mariadb", "--no-defaults", "--socket=/tmp/sock", "-e", "DROP USER glance")
    code, told = check(server)
    assert (code, told[0]) == (1, "account glance is not there with its password")
