"""The harness itself: hosts are made, reached, powered off, hung, cut off and gone without a trace."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.tiny_image import REFERENCE, make_tiny_image
from tests.hosts import cgroups, fabric, host, lab, seed
from tests.hosts.host import FIRST, Host
from tests.hosts.lab import Lab, Wanted
from tests.hosts.root import engine_root
from tests.hosts.shell import until

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def pair() -> Iterator[Lab]:
    """Two hosts on two networks, of both releases."""
    wanted = Wanted({"old": engine_root("bookworm"), "new": engine_root("trixie")}, networks=2)
    with lab.running(wanted) as made:
        yield made


def sees(one: Host, other: Host, network: int) -> bool:
    """Whether a ping over a network comes back; asked from within, so that no cut takes away the question."""
    inside = [
        "nsenter",
        f"--target={one.init()}",
        "--net",
        "--mount",
        "ping",
        "-c",
        "1",
        "-W",
        "1",
        other.address(network),
    ]
    return subprocess.run(inside, capture_output=True, check=False).returncode == 0


def test_hosts_are_machines_of_their_own(pair: Lab) -> None:
    for each in pair.hosts:
        assert each.output("hostname").strip() == each.name
        assert each.output("ps", "-o", "comm=", "-p", "1").strip() == "tini"
        assert set(each.output("ls", "/sys/class/net").split()) >= {"lo", "eth0", "eth1"}
    assert "bookworm" in pair["old"].output("cat", "/etc/os-release")
    assert "trixie" in pair["new"].output("cat", "/etc/os-release")
    assert sees(pair["old"], pair["new"], 0)
    assert sees(pair["old"], pair["new"], 1)


def test_a_host_has_its_own_disk_and_shares_the_root(pair: Lab) -> None:
    pair["new"].output("tee", "/usr/bin/mine", stdin="x")
    assert pair["old"].run("test", "-e", "/usr/bin/mine").returncode != 0
    assert not (pair["new"].root / "usr/bin/mine").exists()


def test_power_off_keeps_the_disk_and_leaves_no_process(pair: Lab) -> None:
    new = pair["new"]
    new.output("sh", "-c", "'echo kept > /root/file; sync'")
    host.kill(new)
    assert not host.is_on(new)
    assert not host.answers(new)
    host.boot(new)
    lab.wait_for(new)
    assert new.output("cat", "/root/file") == "kept\n"


def test_a_hung_host_answers_nobody_and_goes_on(pair: Lab) -> None:
    new = pair["new"]
    host.hang(new)
    try:
        assert new.run("true", seconds=20).returncode == 255
        assert sees(pair["old"], new, 0)
    finally:
        host.go_on(new)
    until("the host goes on", lambda: host.answers(new))


def test_a_hung_host_can_be_powered_off(pair: Lab) -> None:
    host.hang(pair["new"])
    host.kill(pair["new"])
    lab.boot(pair, ["new"])


@pytest.mark.parametrize("carrier", [False, True])
def test_a_cut_takes_one_network_only(pair: Lab, carrier: bool) -> None:
    old, new = pair["old"], pair["new"]
    fabric.cut(pair.fabric, FIRST + new.number, 1, carrier)
    try:
        assert not sees(old, new, 1)
        assert sees(old, new, 0)
        shown = (new.path("/sys/class/net/eth1/carrier")).read_text().strip()
        assert shown == ("0" if carrier else "1")
    finally:
        fabric.heal(pair.fabric, FIRST + new.number, 1)
    until("the network heals", lambda: sees(old, new, 1))


def test_a_network_can_be_slow(pair: Lab) -> None:
    new = pair["new"]
    fabric.slow(pair.fabric, FIRST + new.number, 0, 800)
    try:
        began = time.monotonic()
        new.output("tee", "/root/large", stdin="x" * 200_000)
        assert time.monotonic() - began > 1.5
    finally:
        fabric.slow(pair.fabric, FIRST + new.number, 0, 0)


def test_processor_time_is_counted(pair: Lab) -> None:
    before = cgroups.cpu_seconds(pair["new"].id)
    used = pair["new"].output("python3", "-c", "'import time; sum(range(10**7)); print(time.process_time())'")
    assert cgroups.cpu_seconds(pair["new"].id) - before >= float(used) > 0


def test_privileged_containers_and_shared_mounts(pair: Lab) -> None:
    """Of the distribution's newer engine; the older one cannot where the machine lacks a capability."""
    make_tiny_image()
    saved = subprocess.run(["docker", "save", REFERENCE], check=True, capture_output=True).stdout
    for each in pair.hosts:
        load = ["ssh", "-F", str(each.config), each.name, "docker", "load", "--quiet"]
        subprocess.run(load, input=saved, check=True, capture_output=True)
        run = ("docker", "run", "--rm", "--network", "host", "--volume", "/srv:/srv:shared", "--entrypoint", "sh")
        assert each.output(*run, REFERENCE, "-c", "'echo it runs'") == "it runs\n"
    assert pair["new"].output(*run, "--privileged", REFERENCE, "-c", "'echo it runs'") == "it runs\n"


def test_hosts_share_images(tmp_path: Path) -> None:
    make_tiny_image()
    kind = engine_root("trixie")
    store = seed.make_seed(seed.Seed(kind, (REFERENCE,)))
    made = lab.make_lab(Wanted({"one": kind, "two": kind}))
    try:
        for each in made.hosts:
            seed.plant(each, store)
        lab.boot(made)
        run = ("docker", "run", "--rm", "--entrypoint", "sh", "--network", "host", REFERENCE, "-c")
        for each in made.hosts:
            assert each.output(*run, "'echo it runs'") == "it runs\n"
        made["one"].output("docker", "rmi", REFERENCE)
        assert made["one"].output("docker", "images", "--quiet") == ""
        assert made["two"].output(*run, "'echo still here'") == "still here\n"
    finally:
        lab.destroy(made)


def test_nothing_is_left_behind() -> None:
    with lab.running(Wanted({"h1": engine_root("trixie")})) as made:
        one = made["h1"]
    assert not made.folder.exists()
    assert not [folder for hierarchy in cgroups.hierarchies() for folder in hierarchy.glob(f"*/{one.id}")]
    assert not made.fabric.space.parent.exists()
    assert str(one.folder) not in Path("/proc/self/mounts").read_text()
