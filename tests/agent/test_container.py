"""Container spec → create body, as cases."""

from __future__ import annotations

from typing import Any

import pytest

from mastic.agent.container import Placement, capabilities, create_body
from mastic.agent.mounts import holds_mounts, is_shared

SPEC: dict[str, Any] = {
    "name": "glance_api",
    "image": "mastic/glance-api:1",
    "user": "glance",
    "environment": {"B": "2", "A": "1"},
    "capabilities": [],
    "mounts": [{"type": "volume", "source": "glance", "target": "/var/lib/glance", "read_only": False}],
    "restart": "unless-stopped",
    "stop_seconds": 7,
}


def body(**more: Any) -> dict[str, Any]:
    return create_body({**SPEC, **more}, Placement("/etc/x/glance_api", {"mastic.cloud": "lab"}))


def test_host_network_no_privilege_limited_log() -> None:
    host = body()["HostConfig"]
    assert host["NetworkMode"] == "host"
    assert host["Privileged"] is False
    assert host["CapDrop"] == ["ALL"]
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
    assert "SecurityOpt" not in host and "PidMode" not in host and "MaskedPaths" not in host


def test_what_the_spec_says_is_passed_on() -> None:
    made = body(
        devices=["/dev/net/tun"],
        host_namespaces=["pid"],
        unmask_proc=True,
        init=True,
        command=["kolla_start"],
        health={"test": ["CMD-SHELL", "true"], "interval": 3, "timeout": 2, "retries": 1, "start_period": 0},
    )
    host = made["HostConfig"]
    assert made["Cmd"] == ["kolla_start"]
    assert made["Env"] == ["A=1", "B=2"]
    assert made["StopTimeout"] == 7
    assert made["Healthcheck"]["Interval"] == 3 * 10**9
    assert host["Devices"][0]["PathOnHost"] == "/dev/net/tun"
    assert (host["PidMode"], host["Init"]) == ("host", True)
    assert host["MaskedPaths"] == [] and host["ReadonlyPaths"] == []


def test_without_command_the_image_decides() -> None:
    assert "Cmd" not in body()


@pytest.mark.parametrize(
    ("user", "added"),
    [
        ("", []),
        ("root", []),
        ("0:0", []),
        ("glance", ["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]),
        ("glance:kolla", ["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]),
    ],
)
def test_only_users_other_than_root_get_what_sudo_gains(user: str, added: list[str]) -> None:
    assert capabilities({"capabilities": ["NET_ADMIN"]}, user) == sorted([*added, "NET_ADMIN"])


def test_the_images_user_counts_when_the_spec_names_none() -> None:
    made = create_body({**SPEC, "user": None}, Placement("/x", image_user="nova"))
    assert made["User"] == "nova"
    assert "SETUID" in made["HostConfig"]["CapAdd"]


def test_config_folder_is_mounted_read_only_once() -> None:
    added = body()["HostConfig"]["Mounts"][-1]
    assert (added["Source"], added["ReadOnly"]) == ("/etc/x/glance_api", True)
    named = {"type": "bind", "source": "/own", "target": "/var/lib/kolla/config_files/", "read_only": True}
    mounts = body(mounts=[named])["HostConfig"]["Mounts"]
    assert [mount["Source"] for mount in mounts] == ["/own"]


def test_shared_propagation_is_recursive_and_private_is_the_default() -> None:
    mount = {"type": "bind", "source": "/run/netns", "target": "/run/netns", "read_only": False}
    shared, private = body(mounts=[{**mount, "propagation": "shared"}, mount])["HostConfig"]["Mounts"][:2]
    assert shared["BindOptions"] == {"Propagation": "rshared"}
    assert "BindOptions" not in private


MOUNTINFO = """\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 0:40 / /run rw shared:5 - tmpfs tmpfs rw
41 40 0:41 / /run/lock rw master:1 - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("folder", "shared"),
    [("/var/lib/x", False), ("/run/netns", True), ("/run", True), ("/run/lock/x", False), ("/runner", False)],
)
def test_is_shared(folder: str, shared: bool) -> None:
    assert is_shared(folder, MOUNTINFO) is shared


@pytest.mark.parametrize(("folder", "holds"), [("/run", True), ("/run/lock", False), ("/run/l", False)])
def test_holds_mounts(folder: str, holds: bool) -> None:
    assert holds_mounts(folder, MOUNTINFO) is holds
