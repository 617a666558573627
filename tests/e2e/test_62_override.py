"""An override file changes one container and goes again without a trace; a wrong one changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.engine import docker, restarted, start_times
from tests.e2e.lab import Lab

pytestmark = pytest.mark.cloud


def in_force(container: str, path: str) -> list[str]:
    """Lines of a file as the process in the container has read it."""
    return docker("exec", container, "cat", path).splitlines()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_an_override_of_one_workload_restarts_its_container_and_goes_again(definition: Lab) -> None:
    before = start_times(definition.name)
    override = definition.folder / "config" / "nova" / "nova-scheduler.conf"
    write(override, "[filter_scheduler]\nhost_subset_size = 3\n")

    finished = definition.mastic("plan", "--check", "--json")
    assert {step["id"] for step in finished.one("plan")["steps"]} == {
        "write:nova-scheduler@laptop",
        "restart:nova-scheduler@laptop",
    }
    definition.mastic("apply", "--yes", "--no-verify").succeeded()
    assert restarted(before, start_times(definition.name)) == {"nova_scheduler"}
    assert "host_subset_size = 3" in in_force("nova_scheduler", "/etc/nova/nova.conf")
    explained = definition.mastic("explain", "nova-scheduler:nova.conf", "host_subset_size").succeeded()
    assert "nova-scheduler.conf:2  ← in force" in explained.out

    override.unlink()
    definition.mastic("apply", "--yes", "--no-verify").succeeded()
    assert "host_subset_size = 3" not in in_force("nova_scheduler", "/etc/nova/nova.conf")
    assert definition.mastic("plan", "--check", "--json").exit_code == 0


@pytest.mark.parametrize(
    "name,text,told",
    [
        ("nova/nova-sheduler.conf", "[DEFAULT]\ndebug = true\n", "did you mean `nova/nova-scheduler.conf`?"),
        ("nova.conf", "[DEFAULT]\ncpu_alocation_ratio = 8\n", "did you mean `cpu_allocation_ratio`?"),
        ("nova.conf", "[libvirt]\nvirt_type = qem\n", "did you mean `qemu`?"),
        ("neutron/ml2_conf.ini", "[ml2_type_geneve]\nmax_header_size = wide\n", "must be a whole number"),
    ],
)
def test_a_wrong_override_is_refused_with_file_and_line(definition: Lab, name: str, text: str, told: str) -> None:
    before, override = start_times(definition.name), definition.folder / "config" / name
    write(override, text)
    finished = definition.mastic("apply", "--yes", "--no-verify")
    override.unlink()
    assert finished.exit_code == 1
    assert told in finished.err and str(override) in finished.err
    assert restarted(before, start_times(definition.name)) == set()
