"""A host's /proc and /sys → what it is and has; read only."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import os
import platform
import re
import socket
import struct
import time
from pathlib import Path
from typing import Any

MODULES = {
    "openvswitch": "OPENVSWITCH",
    "geneve": "GENEVE",
    "vxlan": "VXLAN",
    "br_netfilter": "BRIDGE_NETFILTER",
    "bridge": "BRIDGE",
    "8021q": "VLAN_8021Q",
    "tun": "TUN",
    "nbd": "BLK_DEV_NBD",
    "dm_mod": "BLK_DEV_DM",
    "iscsi_tcp": "ISCSI_TCP",
    "nfs": "NFS_FS",
    "vhost_net": "VHOST_NET",
    "nf_conntrack": "NF_CONNTRACK",
}
"""Module → its option in a kernel's configuration."""
LISTEN = "0A"
SIOCGIFADDR = 0x8915


def read_facts(engine_folder: str, root: Path = Path("/")) -> dict[str, Any]:
    """HostFacts but for the engine and kvm."""
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": memory_bytes((root / "proc/meminfo").read_text()),
        "disk_free_bytes": disk_free(engine_folder),
        "addresses": addresses(root),
        "listening": listening(root),
        "architecture": platform.machine(),
        "kernel_modules": kernel_modules(root, platform.release()),
        "hostname": socket.gethostname(),
        "python": platform.python_version(),
        "system": system(root),
        "interfaces": interfaces(root),
        "networks": networks((root / "proc/net/route").read_text()),
        "clock": time.time(),
    }


def networks(route: str) -> list[str]:
    """IPv4 networks the host is in, `192.0.2.0/24`, from the text of /proc/net/route (little-endian hexadecimals)."""
    rows = [line.split() for line in route.splitlines()[1:]]
    direct = [(row[1], row[7]) for row in rows if int(row[2], 16) == 0 and int(row[7], 16)]
    numbers = [(socket.inet_ntoa(bytes.fromhex(each)[::-1]), bin(int(mask, 16)).count("1")) for each, mask in direct]
    return [f"{address}/{prefix}" for address, prefix in dict.fromkeys(numbers)]


def memory_bytes(meminfo: str) -> int:
    """Total memory from the text of /proc/meminfo."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", meminfo, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def disk_free(folder: str) -> int:
    """Bytes free where `folder` is, or will be."""
    path = Path(folder)
    while not path.exists():
        path = path.parent
    state = os.statvfs(path)
    return state.f_bavail * state.f_frsize


def addresses(root: Path) -> list[str]:
    """Addresses of every interface, IPv4 first."""
    trie, six = root / "proc/net/fib_trie", root / "proc/net/if_inet6"
    found = local_addresses(trie.read_text()) if trie.exists() else []
    words = [line.split()[0] for line in six.read_text().splitlines()] if six.exists() else []
    return found + sorted(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(word)) for word in words)


def system(root: Path) -> str:
    """Distribution and release, `debian 13`."""
    path = root / "etc/os-release"
    lines = path.read_text().splitlines() if path.exists() else []
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    return f"{said.get('ID', '?')} {said.get('VERSION_ID', '')}".replace('"', "").strip()


def interfaces(root: Path) -> dict[str, dict[str, Any]]:
    """Interface → its MTU and its first IPv4 address; those of guests and containers come and go while we look."""
    folder = root / "sys/class/net"
    found: dict[str, dict[str, Any]] = {}
    for name in sorted(os.listdir(folder)) if folder.exists() else []:  # noqa: PTH208 - names are enough
        with contextlib.suppress(OSError):
            found[name] = {"mtu": int((folder / name / "mtu").read_text()), "address": address_of(name)}
    return found


def address_of(interface: str) -> str | None:
    """None when it has no IPv4 address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            answer = fcntl.ioctl(asked, SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def local_addresses(trie: str) -> list[str]:
    """The host's own addresses from the text of /proc/net/fib_trie."""
    return sorted(set(re.findall(r"\|-- ([\d.]+)\n(?:\s+/\d+ [^\n]*\n)*?\s+/32 host LOCAL", trie)))


def listening(root: Path) -> dict[str, str]:
    """`address:port` of every listening TCP socket → name of its process."""
    sockets = dict(
        found
        for name in ("tcp", "tcp6")
        for found in read_sockets(root / "proc/net" / name)
    )  # fmt: skip
    owners = socket_owners(root, set(sockets)) if sockets else {}
    return {address: owners.get(inode, "?") for inode, address in sorted(sockets.items(), key=lambda pair: pair[1])}


def read_sockets(table: Path) -> list[tuple[str, str]]:
    """(inode, `address:port`) of the listening sockets in a table of the kernel."""
    if not table.exists():
        return []
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return [(row[9], readable_address(row[1])) for row in rows if row[3] == LISTEN]


def readable_address(text: str) -> str:
    """`0100007F:1F90` → `127.0.0.1:8080`: 32-bit words in the processor's byte order."""
    address, _, port = text.partition(":")
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    name = socket.inet_ntop(family, packed)
    return f"[{name}]:{int(port, 16)}" if ":" in name else f"{name}:{int(port, 16)}"


def socket_owners(root: Path, inodes: set[str]) -> dict[str, str]:
    """Inode of a socket → name of a process that holds it."""
    owners: dict[str, str] = {}
    for process in os.listdir(root / "proc"):  # noqa: PTH208 - thousands of entries: names are enough
        if not process.isdigit():
            continue
        for inode in held_sockets(f"{root}/proc/{process}/fd") & inodes:
            owners.setdefault(inode, process_name(root / "proc" / process))
    return owners


def held_sockets(folder: str) -> set[str]:
    """Inodes of the sockets a process holds; none when it is gone or not ours to see."""
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return set()
    links = [link_target(f"{folder}/{name}") for name in names]
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def link_target(path: str) -> str:
    """What a link points to; empty when it is gone by now."""
    try:
        return os.readlink(path)  # noqa: PTH115
    except OSError:
        return ""


def process_name(folder: Path) -> str:
    """Short name of a process."""
    try:
        return (folder / "comm").read_text().strip()
    except OSError:
        return "?"


def kernel_modules(root: Path, release: str) -> list[str]:
    """Those of MODULES that are loaded, built in or can be loaded."""
    found = loaded_modules(root) | listed_modules(root / "lib/modules" / release)
    options = built_in_options(root, release)
    return sorted(name for name, option in MODULES.items() if name in found or option in options)


def loaded_modules(root: Path) -> set[str]:
    """Modules that the running kernel shows."""
    folder = root / "sys/module"
    return {entry.name for entry in folder.iterdir()} if folder.exists() else set()


def listed_modules(folder: Path) -> set[str]:
    """Modules in the lists of a kernel's folder: built in, or files that can be loaded."""
    tables = [folder / "modules.builtin", folder / "modules.dep"]
    lines = [line for table in tables if table.exists() for line in table.read_text().splitlines()]
    names = [line.split(":")[0].rpartition("/")[2].split(".ko")[0] for line in lines]
    return {name.replace("-", "_") for name in names}


def built_in_options(root: Path, release: str) -> set[str]:
    """Options set to `y` in the running kernel's configuration, where it shows one."""
    packed, plain = root / "proc/config.gz", root / f"boot/config-{release}"
    if packed.exists():
        text = gzip.decompress(packed.read_bytes()).decode()
    elif plain.exists():
        text = plain.read_text()
    else:
        return set()
    return set(re.findall(r"^CONFIG_(\w+)=y$", text, re.MULTILINE))
