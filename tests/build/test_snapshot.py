"""The stored schema of an image equals what its migrations make, and loading it is safe to repeat."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mastic.build.builder import build_images
from mastic.build.engine import Engine, find_engine
from mastic.build.graph import ImageGraph, image_graph
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from mastic.model.service import Snapshot

pytestmark = pytest.mark.engine

REPOSITORY = Path(__file__).resolve().parents[2]
CATALOGUE = load_catalogue(REPOSITORY / "catalogue")
SNAPSHOTS: dict[str, Snapshot] = {
    name: image.snapshot
    for folder in CATALOGUE.folders.values()
    for name, image in folder.service.images.items()
    if image.snapshot
}
SERVER = "mariadb"
SERVE = (
    "mariadb-install-db --user=mysql --datadir=/tmp/data --skip-test-db >/dev/null"
    " && exec mariadbd --no-defaults --datadir=/tmp/data --skip-grant-tables --bind-address=127.0.0.1 --socket=/tmp/s"
)
TABLES = "SELECT CONCAT(table_schema, '.`', table_name, '`') FROM information_schema.tables WHERE table_schema = {0};"
FACTS = (
    "SELECT 'table', table_schema, table_name, engine, table_collation, row_format"
    " FROM information_schema.tables WHERE table_schema = {0};",
    "SELECT 'column', table_schema, table_name, column_name, ordinal_position, column_type, is_nullable,"
    " column_default, extra, collation_name, column_comment FROM information_schema.columns WHERE table_schema = {0};",
    "SELECT 'index', table_schema, table_name, index_name, seq_in_index, column_name, non_unique, sub_part, index_type"
    " FROM information_schema.statistics WHERE table_schema = {0};",
    "SELECT 'key', table_schema, table_name, constraint_name, column_name, referenced_table_name,"
    " referenced_column_name FROM information_schema.key_column_usage WHERE table_schema = {0};",
    "SELECT 'rule', constraint_schema, table_name, constraint_name, update_rule, delete_rule"
    " FROM information_schema.referential_constraints WHERE constraint_schema = {0};",
    "SELECT 'check', constraint_schema, table_name, constraint_name, check_clause"
    " FROM information_schema.check_constraints WHERE constraint_schema = {0};",
)
"""All that makes a schema, one line each."""


class Nobody:
    """A feed that nobody listens to."""

    def ready(self, reference: str) -> None:
        pass

    def failed(self, reference: str, why: str) -> None:
        pass


@dataclass(frozen=True)
class Database:
    """A running server that only containers of the same network name space reach."""

    engine: Engine
    container: str
    graph: ImageGraph

    def sql(self, statements: str, database: str = "mysql") -> str:
        client = ["exec", "-i", self.container, "mariadb", "--socket=/tmp/s", "--skip-column-names", "--raw", database]
        done = subprocess.run(
            self.engine.command(*client), input=statements, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def renew(self, names: tuple[str, ...]) -> None:
        self.sql("".join(f"DROP DATABASE IF EXISTS {n}; CREATE DATABASE {n} CHARACTER SET utf8mb4;" for n in names))

    def describe(self, names: tuple[str, ...]) -> set[str]:
        """Every column, index, constraint, table option and number of rows; the order of indexes says nothing."""
        found = set(self.sql("".join(query.format(f"'{name}'") for name in names for query in FACTS)).splitlines())
        tables = self.sql("".join(TABLES.format(f"'{name}'") for name in names)).split()
        counts = "".join(f"SELECT '{table}', COUNT(*) FROM {table};" for table in tables)
        return found | set(self.sql(counts).splitlines())

    def run(self, image: str, config: list[str], command: list[str]) -> str:
        """Output of a command in an image, with the database at 127.0.0.1."""
        arguments = ["run", "--rm", f"--network=container:{self.container}", *config, "--entrypoint", command[0]]
        done = subprocess.run(
            self.engine.command(*arguments, self.graph.references[image], *command[1:]),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    graph = image_graph(CATALOGUE, load_cloud(REPOSITORY / "examples/laptop/cloud.yml"))
    build_images(graph, (SERVER, *SNAPSHOTS), Nobody(), lambda event: None, tmp_path_factory.mktemp("logs"))
    engine = find_engine()
    container = engine.ask(
        "run", "--detach", "--rm", "--network=none", "--entrypoint", "sh", graph.references[SERVER], "-c", SERVE
    ).strip()
    try:
        wait_until_ready(engine, container)
        yield Database(engine, container, graph)
    finally:
        engine.ask("rm", "--force", container)


def wait_until_ready(engine: Engine, container: str) -> None:
    """Ask until the server answers; an exec costs long enough to need no pause."""
    ping = engine.command("exec", container, "mariadb", "--socket=/tmp/s", "--execute=SELECT 1")
    end = time.monotonic() + 60
    while subprocess.run(ping, capture_output=True, check=False).returncode:
        assert time.monotonic() < end, "the database server did not start"


def mounts(snapshot: Snapshot, folder: Path) -> list[str]:
    """The configuration the migrations run with, as options."""
    found = []
    for index, (path, content) in enumerate(snapshot.config.items()):
        (folder / str(index)).write_text(content)
        (folder / str(index)).chmod(0o644)
        found.append(f"--volume={folder / str(index)}:{path}:ro")
    return found


def load_command(snapshot: Snapshot, otherwise: str) -> list[str]:
    databases = [word for name in snapshot.databases for word in ("--database", name)]
    configs = [word for path in snapshot.config for word in ("--config", path)]
    return ["mastic-db-sync", *databases, *configs, "--", otherwise]


@pytest.mark.parametrize("image", SNAPSHOTS)
def test_stored_schema_is_what_the_migrations_make(image: str, database: Database, tmp_path: Path) -> None:
    snapshot = SNAPSHOTS[image]
    config = mounts(snapshot, tmp_path)
    database.renew(snapshot.databases)
    for line in snapshot.commands:
        database.run(image, config, line.split())
    migrated = database.describe(snapshot.databases)
    database.renew(snapshot.databases)
    database.run(image, config, load_command(snapshot, "false"))
    assert database.describe(snapshot.databases) == migrated
    assert len(migrated) >= len(snapshot.databases)


def test_a_load_cut_short_starts_again_and_a_used_database_is_migrated(database: Database, tmp_path: Path) -> None:
    image = min(SNAPSHOTS, key=lambda name: len(SNAPSHOTS[name].databases))
    snapshot = SNAPSHOTS[image]
    config = mounts(snapshot, tmp_path)
    database.renew(snapshot.databases)
    database.run(image, config, load_command(snapshot, "false"))
    whole = database.describe(snapshot.databases)
    database.renew(snapshot.databases)
    remains = "CREATE TABLE mastic_unfinished_load (id INT); CREATE TABLE half (id INT);"
    database.sql(remains, snapshot.databases[0])
    database.run(image, config, load_command(snapshot, "false"))
    assert database.describe(snapshot.databases) == whole
    again = database.run(image, config, load_command(snapshot, "hostname"))
    assert "has tables already" in again
    assert "running hostname" in again
