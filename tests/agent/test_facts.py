"""/proc and /sys → facts."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from mastic.agent.facts import (
    disk_free,
    kernel_modules,
    listening,
    local_addresses,
    memory_bytes,
    networks,
    read_facts,
    readable_address,
)
from mastic.agent.kvm import start_probe

FIB_TRIE = """\
Local:
  +-- 0.0.0.0/0 3 0 5
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
     |-- 192.0.2.2
        /30 link UNICAST
        /32 host LOCAL
     |-- 192.0.2.3
        /32 link BROADCAST
"""


def test_own_addresses_only() -> None:
    assert local_addresses(FIB_TRIE) == ["127.0.0.1", "192.0.2.2"]


@pytest.mark.skipif(sys.byteorder != "little", reason="the examples are of a little-endian machine")
@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0100007F:1F90", "127.0.0.1:8080"),
        ("00000000:0016", "0.0.0.0:22"),
        ("00000000000000000000000001000000:0CEA", "[::1]:3306"),
    ],
)
def test_readable_address(text: str, address: str) -> None:
    assert readable_address(text) == address


def test_a_socket_of_this_process_is_seen_with_its_name() -> None:
    name = Path(f"/proc/{os.getpid()}/comm").read_text().strip()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert listening(Path("/"))[address] == name
    assert address not in listening(Path("/"))


def test_memory() -> None:
    assert memory_bytes("MemTotal:       24684092 kB\nMemFree: 1 kB\n") == 24684092 * 1024


def test_free_space_of_a_folder_to_come(tmp_path: Path) -> None:
    assert disk_free(str(tmp_path / "not/yet")) > 0


def test_modules_loaded_built_in_or_loadable(tmp_path: Path) -> None:
    (tmp_path / "sys/module/vxlan").mkdir(parents=True)
    lists = tmp_path / "lib/modules/6.1"
    lists.mkdir(parents=True)
    (lists / "modules.builtin").write_text("kernel/drivers/net/tun.ko\n")
    (lists / "modules.dep").write_text("kernel/net/bridge/br_netfilter.ko.xz: kernel/net/bridge/bridge.ko.xz\n")
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot/config-6.1").write_text(
        "CONFIG_GENEVE=y\nCONFIG_OPENVSWITCH=m\n# CONFIG_BLK_DEV_NBD is not set\n"
    )
    assert kernel_modules(tmp_path, "6.1") == ["br_netfilter", "geneve", "tun", "vxlan"]


def test_this_machine_has_facts() -> None:
    facts = read_facts("/")
    assert facts["cpus"] >= 1
    assert "127.0.0.1" in facts["addresses"]
    assert facts["memory_bytes"] > 2**28


def test_kvm_absent(tmp_path: Path) -> None:
    assert start_probe(str(tmp_path / "kvm"))() == "absent"


def test_a_device_that_is_not_kvm_fails() -> None:
    assert start_probe("/dev/null")() == "fails"


def test_the_kvm_probe_ends_soon_whatever_the_machine() -> None:
    began = time.monotonic()
    assert start_probe()() in ("absent", "fails", "boots")
    assert time.monotonic() - began < 3


def test_networks_are_those_without_a_gateway() -> None:
    route = (
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    assert networks(route) == ["192.0.2.0/24"]
