"""Members of a database cluster, each a container with an address and a volume of its own; no cloud is needed."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mastic.model.desired import PlacedWorkload
from mastic.verify.wait import wait_until
from tests.catalogue.clusters import docker, resolve_three

SUBNET = "10.91.77.0/24"
ADDRESSES = {"c1": "10.91.77.11", "c2": "10.91.77.12", "c3": "10.91.77.13"}
INSTALL = (
    "mariadb-install-db --defaults-file=/etc/mysql/my.cnf --skip-name-resolve --skip-test-db "
    "--auth-root-authentication-method=socket --auth-root-socket-user=mysql"
)


def three_servers(folder: Path) -> dict[str, PlacedWorkload]:
    """Host → its database server as the catalogue resolves it for three control hosts."""
    placed = resolve_three(folder, ADDRESSES, "10.91.77.100")
    return {each.host: each for each in placed if each.name == "mariadb"}


@dataclass(frozen=True)
class Member:
    """One database server."""

    name: str
    container: str
    network: str

    def make(self, image: str, folder: Path, workload: PlacedWorkload, *, installed: bool) -> None:
        """Its configuration, its volume, with an empty database when `installed`, and its container, not started."""
        configuration = folder / self.name
        configuration.mkdir()
        configuration.chmod(0o755)
        for file in workload.files:
            if file.name != "config.json":
                (configuration / file.name).write_text(file.content or "", encoding="utf-8")
                (configuration / file.name).chmod(0o644)
        mounts = [f"--volume={self.container}:/var/lib/mysql", f"--volume={configuration}:/etc/mysql:ro"]
        if installed:
            docker("run", "--rm", "--network=none", *mounts, "--entrypoint=sh", image, "-c", INSTALL)
        options = [f"--network={self.network}", f"--ip={ADDRESSES[self.name]}", "--restart=unless-stopped", *mounts]
        start = "exec mariadb_member /etc/mysql/cluster.json mariadbd --defaults-file=/etc/mysql/my.cnf"
        docker("create", "--name", self.container, *options, "--entrypoint=bash", image, "-c", start)

    def start(self) -> None:
        docker("start", self.container)

    def kill(self) -> None:
        """As when the power goes: nothing is written any more."""
        docker("kill", self.container)

    def stop(self) -> None:
        docker("stop", "--time=60", self.container)

    def cut(self) -> None:
        docker("network", "disconnect", self.network, self.container)

    def heal(self) -> None:
        docker("network", "connect", f"--ip={ADDRESSES[self.name]}", self.network, self.container)

    def remove(self) -> None:
        docker("rm", "--force", self.container)
        docker("volume", "rm", "--force", self.container)

    def try_sql(self, statements: str) -> str | None:
        """What the server answers; None when it refuses or does not answer."""
        client = ["mariadb", "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "--user=mysql", "--skip-column-names"]
        command = ["docker", "exec", self.container, *client, f"--execute={statements}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        return done.stdout.strip() if done.returncode == 0 else None

    def sql(self, statements: str) -> str:
        answer = self.try_sql(statements)
        assert answer is not None, f"{self.name} refuses `{statements}`"
        return answer

    def size(self) -> int:
        """Members of the primary component it is in; 0 when it is in none."""
        asked = self.try_sql(
            "SHOW STATUS WHERE Variable_name IN ('wsrep_cluster_size', 'wsrep_cluster_status', 'wsrep_ready')"
        )
        found = dict(line.split("\t") for line in (asked or "").splitlines())
        is_whole = found.get("wsrep_cluster_status") == "Primary" and found.get("wsrep_ready") == "ON"
        return int(found["wsrep_cluster_size"]) if is_whole else 0

    def log(self) -> str:
        done = subprocess.run(["docker", "logs", self.container], capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    def said_last(self) -> str:
        """The last word of `mariadb_member`."""
        told = [line for line in self.log().splitlines() if line.startswith("mariadb_member:")]
        return told[-1] if told else ""


def wait_for_whole(members: Sequence[Member], seconds: float = 120) -> None:
    """Until each of them sees all of them."""
    sizes = [len(members)] * len(members)
    told = f"{', '.join(each.name for each in members)} to be one cluster"
    wait_until(told, lambda: True if [each.size() for each in members] == sizes else None, seconds)
