"""A cloud of Debian's own packages (kind `binary`) runs a guest, as one of kind `source` does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.conftest import ARTIFACTS
from tests.e2e.engine import containers, docker
from tests.e2e.lab import EXAMPLE, REPOSITORY, Finished, Lab, run

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(bool(os.environ.get("E2E_KEEP")), reason="E2E_KEEP is set: the other cloud stays"),
]
PROJECTS = {
    "keystone": "keystone",
    "glance_api": "glance",
    "placement_api": "placement",
    "neutron_server": "neutron",
    "nova_api": "nova",
    "nova_compute": "nova",
}
"""Container → the Python package that it runs."""


@dataclass(frozen=True)
class Packaged:
    """The cloud, and what the `mastic apply` said that made it."""

    lab: Lab
    applied: Finished


@pytest.fixture(scope="module")
def packaged(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packaged]:
    """The example with packages of the distribution, in the place of the other cloud: containers have equal names."""
    assert list(containers(lab.name)) == [], "take the other cloud down first"
    folder = tmp_path_factory.mktemp("packaged")
    (folder / "cloud.yml").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    made = Lab(folder, ARTIFACTS)
    made.write(made.definition() | {"cloud": "packaged", "release": "2025.1", "kind": "binary"})
    applied = made.mastic("apply", "--yes", "--json")
    print(f"\nmastic apply of binary images: {applied.seconds:.1f} s")
    try:
        yield Packaged(made, applied.succeeded())
    finally:
        run([str(REPOSITORY / "tools/down"), str(made.cloud)], 600, {"VOLUMES": "yes"}).succeeded()


def test_a_guest_answers_a_ping_and_every_check_passes(packaged: Packaged) -> None:
    (guest,) = [each for each in packaged.applied.events if each["id"] == "guest" and each["state"] == "done"]
    assert "answered a ping" in guest["message"]
    states = {each["id"]: each["state"] for each in packaged.applied.events if each["kind"] == "check"}
    assert len(states) > 10 and set(states.values()) == {"done"}


@pytest.mark.parametrize("container", PROJECTS)
def test_what_runs_comes_from_a_package(packaged: Packaged, container: str) -> None:
    project = PROJECTS[container]
    find = f"import importlib.util as u; print(u.find_spec({project!r}).origin)"
    path = docker("exec", container, "/var/lib/kolla/venv/bin/python", "-c", find).strip()
    owner = docker("exec", container, "dpkg-query", "--search", path)
    assert owner.startswith(f"python3-{project}: /usr/lib/python3/dist-packages/")


def test_nothing_is_left_to_do(packaged: Packaged) -> None:
    assert packaged.lab.mastic("plan", "--check", "--json").exit_code == 0
