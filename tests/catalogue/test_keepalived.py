"""The address of the APIs stands on exactly one control host, and on one whose guards all answer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mastic.verify.wait import wait_until
from tests.catalogue.clusters import docker, resolve_three, standing_of_three

pytestmark = pytest.mark.engine

SUBNET = "10.91.78.0/24"
VIRTUAL = "10.91.78.100"
ADDRESSES = {"c1": "10.91.78.11", "c2": "10.91.78.12", "c3": "10.91.78.13"}
CAPABILITIES = ("NET_ADMIN", "NET_RAW", "NET_BROADCAST", "SETGID")
GUARD = """
import http.server, os, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if os.path.exists("/tmp/unwell") else 200)
        self.end_headers()
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Answer).serve_forever()
"""


@dataclass(frozen=True)
class Host:
    """A network of its own with a guard's process, and keepalived beside it."""

    name: str
    container: str
    network: str

    def make(self, image: str, configuration: Path, guards: tuple[int, ...]) -> None:
        address = ADDRESSES[self.name]
        serve = " & ".join(f"python3 -c '{GUARD}' {address} {port}" for port in guards)
        options = ["--detach", f"--network={self.network}", f"--ip={address}", "--user=root", "--entrypoint=sh"]
        docker("run", *options, "--name", self.container, image, "-c", f"{serve} & wait")
        granted = [f"--cap-add={each}" for each in CAPABILITIES]
        inside = [f"--network=container:{self.container}", "--security-opt=systempaths=unconfined", "--cap-drop=ALL"]
        mount = f"--volume={configuration}:/etc/keepalived/keepalived.conf:ro"
        start = ["--entrypoint=start_keepalived", image, "/etc/keepalived/keepalived.conf"]
        docker("run", "--detach", "--user=root", "--name", f"{self.container}-vip", *inside, *granted, mount, *start)

    def holds(self) -> bool:
        command = ["docker", "exec", self.container, "ip", "-oneline", "address", "show", "to", VIRTUAL]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        return VIRTUAL in done.stdout

    def unwell(self) -> None:
        docker("exec", self.container, "touch", "/tmp/unwell")

    def well(self) -> None:
        docker("exec", self.container, "rm", "/tmp/unwell")

    def remove(self) -> None:
        docker("rm", "--force", f"{self.container}-vip", self.container)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Host]]:
    folder = tmp_path_factory.mktemp("hosts")
    placed = resolve_three(folder, ADDRESSES, VIRTUAL)
    image = standing_of_three(folder, "keepalived")
    network = f"virtual{os.getpid()}"
    docker("network", "create", f"--subnet={SUBNET}", network)
    found = [Host(name, f"{network}-{name}", network) for name in ADDRESSES]
    try:
        for host in found:
            (workload,) = [each for each in placed if (each.name, each.host) == ("keepalived", host.name)]
            text = next(file.content for file in workload.files if file.name == "keepalived.conf")
            configuration = folder / f"{host.name}.conf"
            configuration.write_text(text or "", encoding="utf-8")
            host.make(image, configuration, (61313, 4570))
        yield found
    finally:
        for host in found:
            host.remove()
        docker("network", "rm", network)


def holder(hosts: list[Host]) -> Host:
    """The one that holds the address, once exactly one does."""

    def look() -> Host | None:
        holding = [host for host in hosts if host.holds()]
        return holding[0] if len(holding) == 1 else None

    return wait_until("exactly one host to hold the address", look, 30)


def test_one_host_holds_the_address_and_keeps_it(hosts: list[Host]) -> None:
    first = holder(hosts)
    first.unwell()
    second = wait_until(
        "another host to take over", lambda: next((h for h in hosts if h != first and h.holds()), None), 20
    )
    wait_until("the first to give it up", lambda: None if first.holds() else True, 20)
    first.well()
    assert holder(hosts) == second


def test_no_host_holds_the_address_when_all_are_unwell(hosts: list[Host]) -> None:
    for host in hosts:
        host.unwell()
    wait_until("nobody to hold it", lambda: None if any(host.holds() for host in hosts) else True, 20)
    hosts[2].well()
    assert holder(hosts) == hosts[2]
    for host in hosts[:2]:
        host.well()


def test_a_dead_holder_is_followed(hosts: list[Host]) -> None:
    first = holder(hosts)
    docker("kill", f"{first.container}-vip")
    docker("kill", first.container)
    rest = [host for host in hosts if host != first]
    assert holder(rest) in rest
