"""The schema stored in an image equals what the release's own migrations make, on the cloud's own database server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
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
    r"\b[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\b": "UUID",
    r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?": "TIME",
    r" AUTO_INCREMENT=\d+": "",
}
"""What differs between two runs of the same migration."""
INDEX = re.compile(r" +(UNIQUE )?KEY ")


def normal(line: str) -> str:
    """A definition or row without what differs between two runs; indexes of a table come in any order."""
    for pattern, instead in RANDOM.items():
        line = re.sub(pattern, instead, line)
    parts = [part.rstrip(",") for part in line.split("\\n")]
    indexes = sorted(part for part in parts if INDEX.match(part))
    return "\\n".join([*(part for part in parts if not INDEX.match(part)), *indexes])


with_snapshot: dict[str, Image] = {
    name: image
    for folder in load_catalogue(shipped_catalogue()).folders.values()
    for name, image in folder.service.images.items()
    if image.snapshot
}


@dataclass(frozen=True)
class Server:
    """A throw-away database server, alone in its own network."""

    def sql(self, statement: str) -> list[str]:
        """Run statements as its administrator; one line per row, columns parted by tabs, line ends escaped."""
        words = ["--no-defaults", "--user=root", "--batch", "--skip-column-names", f"--execute={statement}"]
        return docker("exec", SERVER, "mariadb", *words).splitlines()

    def renew(self, databases: tuple[str, ...]) -> None:
        """Empty databases."""
        for name in databases:
            self.sql(f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name} CHARACTER SET utf8mb4")

    def content(self, databases: tuple[str, ...]) -> list[str]:
        """Every definition and every row, sorted, without what differs between two runs of the same migration."""
        lines = [normal(line) for database in databases for line in self.database_content(database)]
        return [part for line in sorted(lines) for part in line.split("\\n")]

    def database_content(self, database: str) -> list[str]:
        """Definitions of tables, views, triggers and routines, and rows, each with its table's name before it."""
        tables = self.sql(f"SHOW TABLES FROM {database}")
        create = [f"SHOW CREATE TABLE {database}.`{table}`" for table in tables]
        rows = [f"SELECT '{database}.{table}', rows_of.* FROM {database}.`{table}` AS rows_of" for table in tables]
        others = [f"SHOW {kind} STATUS WHERE Db = '{database}'" for kind in ("PROCEDURE", "FUNCTION")]
        return self.sql("; ".join([*create, *rows, *others, f"SHOW TRIGGERS FROM {database}"]))

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
    migrated = server.content(snapshot.databases)

    server.renew(snapshot.databases)
    words = [
        *(f"--database {database}" for database in snapshot.databases),
        *(f"--config {path}" for path in snapshot.config),
    ]
    said = server.run(image, tmp_path, f"mastic-db-sync {' '.join(words)} -- false")
    loaded = server.content(snapshot.databases)

    assert said.count("stored schema loaded") == len(snapshot.databases)
    assert sum("CREATE TABLE" in line for line in migrated) > 5
    difference = "\n".join(unified_diff(migrated, loaded, "migrated", "loaded", n=2, lineterm=""))
    assert not difference, difference
