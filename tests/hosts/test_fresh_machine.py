"""Issue 2's promise on the other release: a fresh Debian 13, a clone, one command, a cloud that boots a machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts import lab
from tests.hosts.host import Host
from tests.hosts.root import fresh_root

REPOSITORY = Path(__file__).resolve().parents[2]
MASTIC = ".venv/bin/mastic --cloud examples/laptop/cloud.yml"


@pytest.fixture
def machine() -> Iterator[Host]:
    """As an installer leaves it, with git, make and the repository."""
    with lab.running(lab.Wanted({"fresh": fresh_root("trixie")})) as made:
        one = made["fresh"]
        bundle = subprocess.run(
            ["git", "-C", str(REPOSITORY), "bundle", "create", "-", "HEAD"], capture_output=True, check=True
        )
        put = ["ssh", "-F", str(one.config), one.name, "cat > mastic.bundle && git clone -q mastic.bundle mastic"]
        subprocess.run(put, input=bundle.stdout, check=True, capture_output=True)
        yield one


@pytest.mark.cloud
def test_one_command_on_a_fresh_debian_13(machine: Host) -> None:
    assert machine.run("docker", "version").returncode == 127
    said = machine.run("cd mastic && make up", seconds=3600)
    assert said.returncode == 0, said.stderr[-3000:] + said.stdout[-1000:]
    assert "nothing to do" in machine.output(f"cd mastic && {MASTIC} plan")
    names = machine.output("docker", "ps", "--format", "'{{.Names}} {{.Status}}'").splitlines()
    assert len(names) > 20
    assert not [name for name in names if "unhealthy" in name or "Restarting" in name]
    machine.output("cd mastic && make down VOLUMES=yes", seconds=600)
    assert machine.output("docker", "ps", "--all", "--quiet") == ""
    assert machine.output("docker", "volume", "ls", "--quiet") == ""
