"""No secret value is where it must not be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from mastic.load.secrets import SecretStore
from tests.e2e.engine import container_logs, containers, docker
from tests.e2e.lab import VAULT_PASSWORD, Lab

pytestmark = pytest.mark.cloud

PLACES_FOR_SECRETS = ("clouds.yaml",)
"""Files of the state folder that must hold a password to be of use; their mode is tested elsewhere."""


@pytest.fixture(scope="module")
def needles(cloud: Lab) -> dict[bytes, str]:
    """What must not be found → name of the secret."""
    index = json.loads((cloud.state / "secrets.index.json").read_text(encoding="utf-8"))
    store = SecretStore(cloud.state, VAULT_PASSWORD)
    values = store.values(tuple(store.versions()))
    assert len(values) > 10, index
    return {part.encode(): name for name, value in values.items() for part in secret_parts(value)}


def secret_parts(value: str) -> Iterator[str]:
    """The value, or, of a PEM, the lines of its private key (certificates are public)."""
    if "-----BEGIN" not in value:
        assert len(value) >= 16
        yield value
        return
    secret = False
    for line in value.splitlines():
        if line.startswith("-----"):
            secret = "PRIVATE KEY" in line and "BEGIN" in line
        elif secret and len(line) > 30:
            yield line


def found_in(texts: Iterable[tuple[str, bytes]], needles: dict[bytes, str]) -> list[str]:
    """`secret in place` for every secret found; never the value."""
    return [f"{name} in {place}" for place, text in texts for needle, name in needles.items() if needle in text]


def files_under(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Path and content of every regular file."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield str(path), path.read_bytes()


def of_processes(name: str) -> Iterator[tuple[str, bytes]]:
    """`/proc/<id>/<name>` of every process of the machine."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield f"{folder}/{name}", (folder / name).read_bytes()
        except OSError:  # ended meanwhile, or a kernel thread
            continue


def test_the_search_finds_a_secret_where_one_must_be(cloud: Lab, needles: dict[bytes, str]) -> None:
    assert found_in([("clouds.yaml", cloud.clouds_yaml.read_bytes())], needles)
    assert found_in(files_under(Path("/etc/mastic/clouds") / cloud.name), needles)


@pytest.mark.parametrize("name", ["cmdline", "environ"])
def test_not_in_arguments_or_environment_of_a_process(needles: dict[bytes, str], cloud: Lab, name: str) -> None:
    assert found_in(of_processes(name), needles) == []


def test_not_in_what_the_engine_knows_of_containers(needles: dict[bytes, str], cloud: Lab) -> None:
    told = json.dumps(containers(cloud.name)).encode()
    assert found_in([("docker inspect", told)], needles) == []


def test_not_in_a_containers_log(needles: dict[bytes, str], cloud: Lab) -> None:
    logs = ((name, container_logs(name).encode()) for name in containers(cloud.name))
    assert found_in(logs, needles) == []


def test_not_in_the_history_of_an_image(needles: dict[bytes, str], cloud: Lab) -> None:
    images = {container["Config"]["Image"] for container in containers(cloud.name).values()}
    told = ((image, docker("history", "--no-trunc", image).encode()) for image in images)
    assert found_in(told, needles) == []


def test_not_in_state_history_or_journal(needles: dict[bytes, str], cloud: Lab) -> None:
    assert (cloud.state / "history").is_dir()
    state = (item for item in files_under(cloud.state) if Path(item[0]).name not in PLACES_FOR_SECRETS)
    assert found_in(state, needles) == []
    assert found_in(files_under(Path("/var/lib/mastic-agent") / cloud.name), needles) == []


def test_not_in_what_commands_said(needles: dict[bytes, str], definition: Lab) -> None:
    wanted = definition.definition()
    wanted.setdefault("settings", {})["keystone"] = {"debug": True}
    definition.write(wanted)
    assert definition.mastic("plan", "--steps", "--json").succeeded().one("plan")["steps"]
    assert found_in(files_under(definition.artifacts), needles) == []


def test_configuration_on_the_host_is_readable_by_root_only(cloud: Lab) -> None:
    folder = Path("/etc/mastic/clouds") / cloud.name
    modes = {path: path.stat().st_mode & 0o777 for path in folder.rglob("*")}
    assert modes
    assert {path for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)} == set()
