"""The schema stored in an image equals what the release's own migrations make, on the cloud's own database server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mastic.cli.options import shipped_catalogue
from mastic.load.catalogue import load_catalogue
from mastic.model.service import Image
from mastic.verify.wait import wait_until
from tests.e2e.engine import containers, docker
from tests.e2e.lab import Lab, run

pytestmark = pytest.mark.cloud

SERVER = "mastic-e2e-database"
INSTALL_AND_SERVE = (
    "mariadb-install-db --defaults-file=/my.cnf --user=root --skip-test-db >/dev/null"
    " && exec mariadbd --defaults-file=/my.cnf --user=root"
)
RANDOM = {
    r"'[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}'": "'UUID'",
    r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?'": "'TIME'",
}
"""What differs between two runs of the same migration."""

with_snapshot: dict[str, Image] = {
    name: image
    for folder in load_catalogue(shipped_catalogue()).folders.values()
    for name, image in folder.service.images.items()
    if image.snapshot
}


@dataclass(frozen=True)
class Server:
    """A throw-away database server, alone in its own network."""

    def sql(self, statement: str) -> None:
        """Run statements as its administrator."""
        docker("exec", SERVER, "mariadb", "--no-defaults", "--user=root", f"--execute={statement}")

    def renew(self, databases: tuple[str, ...]) -> None:
        """Empty databases."""
        for name in databases:
            self.sql(f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name} CHARACTER SET utf8mb4")

    def dump(self, databases: tuple[str, ...], *options: str) -> list[str]:
        """Their content as SQL, without what differs between two runs of the same migration."""
        words = ["--no-defaults", "--user=root", "--skip-comments", "--skip-dump-date", "--skip-extended-insert"]
        text = docker("exec", SERVER, "mariadb-dump", *words, *options, "--databases", *databases)
        for pattern, instead in RANDOM.items():
            text = re.sub(pattern, instead, text)
        return re.sub(r" AUTO_INCREMENT=\d+", "", text).splitlines()

    def run(self, image: str, config: Path, command: str) -> str:
        """Run a command of an image beside it; returns what it printed."""
        mounts = [f"--volume={path}:/{path.relative_to(config)}:ro" for path in config.rglob("*") if path.is_file()]
        words = ["run", "--rm", "--user=root", f"--network=container:{SERVER}", *mounts, image, "sh", "-ec", command]
        return docker(*words, seconds=300)


@pytest.fixture(scope="module")
def server(cloud: Lab) -> Iterator[Server]:
    """Made from the cloud's own image and configuration; it has an account that may do everything."""
    image = containers(cloud.name)["mariadb"]["Config"]["Image"]
    settings = Path("/etc/mastic/clouds") / cloud.name / "mariadb/my.cnf"
    run(["docker", "rm", "--force", "--volumes", SERVER])
    words = ["run", "--detach", "--user=root", "--network=none", f"--name={SERVER}", f"--volume={settings}:/my.cnf:ro"]
    docker(*words, image, "sh", "-ec", INSTALL_AND_SERVE)
    try:
        ready = ["docker", "exec", SERVER, "mariadb", "--no-defaults", "--user=root", "--execute=SELECT 1"]
        wait_until("the server", lambda: True if run(ready).exit_code == 0 else None, 60)
        made = Server()
        made.sql("CREATE USER schema@'127.0.0.1' IDENTIFIED BY 'schema'; GRANT ALL ON *.* TO schema@'127.0.0.1'")
        yield made
    finally:
        docker("rm", "--force", "--volumes", SERVER)


@pytest.mark.parametrize("name", with_snapshot)
def test_stored_schema_equals_what_migrations_make(name: str, server: Server, tmp_path: Path) -> None:
    snapshot = with_snapshot[name].snapshot
    assert snapshot is not None
    (image,) = docker("image", "ls", f"mastic/{name}", "--format", "{{.Repository}}:{{.Tag}}").split()[:1]
    for path, content in snapshot.config.items():
        file = tmp_path / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")

    server.renew(snapshot.databases)
    server.run(image, tmp_path, "\n".join(snapshot.commands))
    migrated = server.dump(snapshot.databases, "--no-data"), sorted(server.dump(snapshot.databases, "--no-create-info"))

    server.renew(snapshot.databases)
    words = [
        *(f"--database {database}" for database in snapshot.databases),
        *(f"--config {path}" for path in snapshot.config),
    ]
    said = server.run(image, tmp_path, f"mastic-db-sync {' '.join(words)} -- false")
    loaded = server.dump(snapshot.databases, "--no-data"), sorted(server.dump(snapshot.databases, "--no-create-info"))

    assert said.count("stored schema loaded") == len(snapshot.databases)
    assert sum(line.startswith("CREATE TABLE") for line in migrated[0]) > 5
    assert loaded == migrated
