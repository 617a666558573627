"""The host loses power, its engine dies, a disk is full: with a real database, on a machine of its own."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.generations.machine import CLIENT, Machine, hear, machine

pytestmark = pytest.mark.engine
FIRST_POINTS = ("started run:mariadb/install@h1", "started start:mariadb@h1", "done run:mariadb/accounts@h1")
CHANGE_POINTS = ("done write:mariadb@h1", "started restart:mariadb@h1", "done restart:mariadb@h1")
ENOUGH = 20
"""Rows that were acknowledged before something happens."""


@pytest.fixture
def fresh() -> Iterator[Machine]:
    """Nothing was applied yet."""
    with machine() as found:
        yield found


@pytest.fixture(scope="module")
def standing() -> Iterator[Machine]:
    """The database stands."""
    with machine() as found:
        assert found.mastic("apply", "--yes", "--no-verify").returncode == 0
        found.query("CREATE DATABASE kept; CREATE TABLE kept.rows_of (number INT PRIMARY KEY) ENGINE=InnoDB")
        yield found


def assert_as_wanted(there: Machine, connections: int) -> None:
    """Nothing is left to do, and the process that runs has the wanted setting."""
    assert there.steps() == []
    assert there.query("SELECT @@max_connections") == [str(connections)]
    done = json.loads(there.mastic("history", "--json").stdout.splitlines()[-1])
    assert done["result"][-1]["result"] == "verified"


def connections(there: Machine) -> int:
    """A setting that the definition did not say yet."""
    wanted = int(there.query("SELECT @@max_connections")[0]) + 10
    there.define(wanted)
    return wanted


@pytest.mark.parametrize("line", FIRST_POINTS)
def test_power_lost_in_a_first_deploy(fresh: Machine, line: str) -> None:
    with fresh.start("apply", "--yes", "--no-verify") as running:
        hear(running, line)
        fresh.lose_power()
    fresh.power_on()
    done = fresh.mastic("apply", "--yes", "--no-verify")
    assert done.returncode == 0, done.stderr
    assert_as_wanted(fresh, 100)


def write_rows(there: Machine) -> subprocess.Popen[str]:
    """Rows one by one, each told when the database has acknowledged it."""
    first = int(there.query("SELECT COALESCE(MAX(number), 0) + 1 FROM kept.rows_of")[0])
    script = f'number={first}; while {CLIENT} --execute="INSERT INTO kept.rows_of VALUES ($number)"; do'
    words = f"{script} echo $number; number=$((number + 1)); done"
    ssh = ["ssh", "-F", str(there.host.config), there.host.name, "--", words]
    return subprocess.Popen(ssh, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


@pytest.mark.parametrize("line", CHANGE_POINTS)
def test_power_lost_in_a_change_loses_no_acknowledged_row(standing: Machine, line: str) -> None:
    wanted = connections(standing)
    with write_rows(standing) as writing:
        assert writing.stdout
        acknowledged = [int(next(writing.stdout)) for _ in range(ENOUGH)]
        with standing.start("apply", "--yes", "--no-verify") as running:
            hear(running, line)
            standing.lose_power()
        acknowledged += [int(row) for row in writing.stdout if row.endswith("\n")]
    standing.power_on()
    done = standing.mastic("resume", "--yes", "--no-verify")
    assert done.returncode == 0, done.stderr
    assert_as_wanted(standing, wanted)
    assert set(acknowledged) <= {int(row) for row in standing.query("SELECT number FROM kept.rows_of")}


def test_the_engine_dies_in_mid_run(standing: Machine) -> None:
    wanted = connections(standing)
    with standing.start("apply", "--yes", "--no-verify") as running:
        hear(running, "started restart:mariadb@h1")
        standing.kill_engine()
        said = running.stdout.read() if running.stdout else ""
        assert running.wait() in (1, 3), said
    assert '"problems"' in said
    refused = standing.mastic("apply", "--yes", "--no-verify")
    assert refused.returncode == 1
    assert "docker" in refused.stderr.lower()
    standing.start_engine()
    done = standing.mastic("apply", "--yes", "--no-verify")
    assert done.returncode == 0, done.stderr
    assert_as_wanted(standing, wanted)


@pytest.mark.parametrize("folder", ["/etc/mastic", "/var/lib/mastic", "/var/lib/mastic-agent"])
def test_a_full_disk_is_named_and_apply_goes_on(standing: Machine, folder: str) -> None:
    copy = f"rm -rf /srv/copy && cp -a {folder} /srv/copy"
    fill = f"dd if=/dev/zero of={folder}/filler bs=1k 2>/dev/null || test -s {folder}/filler"
    made = standing.shell(
        f"{copy} && mount -t tmpfs -o size=4m,mode=755 small {folder} && cp -a /srv/copy/. {folder}; {fill}"
    )
    assert made.returncode == 0, made.stderr
    try:
        wanted = connections(standing)
        done = standing.mastic("apply", "--yes", "--no-verify")
        assert done.returncode in (1, 3), done.stderr
        assert re.search(rf"no room left on the file system of `{folder}\b", done.stderr), done.stderr
        assert "make room there" in done.stderr
        assert "mastic apply" in done.stderr
        assert standing.shell(f"rm {folder}/filler").returncode == 0
        again = standing.mastic("apply", "--yes", "--no-verify")
        assert again.returncode == 0, again.stderr
        assert_as_wanted(standing, wanted)
    finally:
        standing.shell(f"cp -a {folder} /srv/after; umount {folder}; cp -a /srv/after/. {folder}; rm -r /srv/after")
