"""`mastic hosts check` and `prepare` on machines as an installer leaves them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts import lab
from tests.hosts.cloud import definition
from tests.hosts.lab import Lab
from tests.hosts.root import fresh_root

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def fresh() -> Iterator[Lab]:
    with lab.running(lab.Wanted({"one": fresh_root("trixie"), "two": fresh_root("trixie")})) as made:
        yield made


def mastic(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mastic", *arguments, "--cloud", str(folder / "cloud.yml"), "--state", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=os.environ)


def test_machines_become_hosts(fresh: Lab, tmp_path: Path) -> None:
    (tmp_path / "cloud.yml").write_text(definition("lab", fresh.hosts) + "services: [web]\n")
    said = mastic(tmp_path, "hosts", "check")
    assert said.returncode == 1
    assert "no container engine answers on host `one`" in said.stderr
    assert "no container engine answers on host `two`" in said.stderr

    done = mastic(tmp_path, "hosts", "prepare")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("installed docker.io, iptables, docker-cli, started the engine") == 2
    for each in fresh.hosts:
        assert each.output("docker", "version", "--format", "{{.Server.Version}}").startswith("26.")
        assert each.output("cat", "/proc/sys/net/ipv4/ip_forward").strip() == "1"

    said = mastic(tmp_path, "hosts", "check", "--json")
    assert said.returncode == 0, said.stderr
    assert [(row["name"], row["system"], row["mtu"]) for row in json.loads(said.stdout)["result"]] == [
        ("one", "debian 13", 1500),
        ("two", "debian 13", 1500),
    ]
    assert mastic(tmp_path, "hosts", "prepare").stdout == "one: nothing to do\ntwo: nothing to do\n"
    networks_that_do_not_fit(fresh, tmp_path)


def networks_that_do_not_fit(fresh: Lab, folder: Path) -> None:
    fresh["two"].output("ip", "link", "set", "eth0", "mtu", "1400")
    said = mastic(folder, "hosts", "check")
    assert said.returncode == 1
    assert "has MTU 1400, that of most others 1500" in said.stderr
