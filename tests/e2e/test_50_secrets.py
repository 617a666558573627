"""No secret value is where it must not be."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from mastic.errors import InputError
from mastic.load.secrets import SecretStore
from tests.e2e.engine import container_logs, containers, docker
from tests.e2e.lab import VAULT_PASSWORD, Lab, run

pytestmark = pytest.mark.cloud

PLACES_FOR_SECRETS = ("clouds.yaml",)
"""Files of the state folder that must hold a password to be of use; their mode is tested elsewhere."""


@pytest.fixture(scope="module")
def needles(cloud: Lab) -> dict[bytes, str]:
    """What must not be found → name of the secret; every version that is kept, and nothing left out."""
    store = SecretStore(cloud.state, VAULT_PASSWORD)
    found: dict[bytes, str] = {}
    for name, version in store.versions().items():
        for each in range(1, version + 1):
            found |= {part.encode(): f"{name}@{each}" for part in secret_parts(value_of(store, name, each))}
    assert len(found) > 10
    return found


def value_of(store: SecretStore, name: str, version: int) -> str:
    """Nothing for a version that is no longer kept."""
    try:
        return store.values([name], {name: version})[name]
    except InputError:
        return ""


def secret_parts(value: str) -> Iterator[str]:
    """The value, or, of a PEM, the lines of its private key (certificates are public)."""
    if not value:
        return
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
    """Path and content of every regular file, and of what is inside archives and compressed files."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield from unpacked(str(path), path.read_bytes())


def unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    yield name, content
    if name.endswith(".gz"):
        content = gzip.decompress(content)
        yield name, content
    if name.endswith((".tar.gz", ".tar")):
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive.getmembers():
                if file := archive.extractfile(member):
                    yield from unpacked(f"{name}/{member.name}", file.read())


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


def test_not_in_a_layer_of_an_image(needles: dict[bytes, str], cloud: Lab, tmp_path: Path) -> None:
    images = {container["Config"]["Image"] for container in containers(cloud.name).values()}
    layers = {layer for image in images for layer in layers_of(image)}
    assert layers, "the engine keeps its layers where nobody can look"
    patterns = tmp_path / "patterns"
    patterns.touch(mode=0o600)
    patterns.write_bytes(b"\n".join(needles) + b"\n")
    planted = tmp_path / "planted"
    planted.mkdir()
    (planted / "file").write_bytes(b"\0before" + next(iter(needles)) + b"after")
    search = ["grep", "--recursive", "--files-with-matches", "--fixed-strings", "--text", "--devices=skip"]
    found = run([*search, f"--file={patterns}", str(planted), *sorted(layers)], 600).out.split()
    assert found == [str(planted / "file")]


def layers_of(image: str) -> set[str]:
    """Folders in which the engine keeps what an image consists of."""
    data = json.loads(docker("image", "inspect", image))[0]["GraphDriver"]["Data"]
    folders = [*str(data.get("LowerDir") or "").split(":"), str(data.get("UpperDir") or "")]
    return {folder for folder in folders if folder}


def test_not_in_state_history_or_journal(needles: dict[bytes, str], cloud: Lab) -> None:
    assert (cloud.state / "history").is_dir()
    state = (item for item in files_under(cloud.state) if Path(item[0]).name not in PLACES_FOR_SECRETS)
    assert found_in(state, needles) == []
    kept = dict(files_under(Path("/var/lib/mastic-agent") / cloud.name))
    assert any("/runs/" in name for name in kept), "the copy of the state was not looked into"
    assert found_in(kept.items(), needles) == []


def test_not_in_what_commands_said(needles: dict[bytes, str], definition: Lab) -> None:
    wanted = definition.definition()
    wanted.setdefault("settings", {})["keystone"] = {"debug": True}
    definition.write(wanted)
    assert definition.mastic("plan", "--steps", "--json").succeeded().one("plan")["steps"]
    rotation = definition.mastic("secrets", "rotate", "--all", "--steps")
    assert "rotates `" in rotation.err
    assert rotation.exit_code == 1, "it must ask before it changes anything"
    assert found_in(files_under(definition.artifacts), needles) == []


def test_configuration_on_the_host_is_readable_by_root_only(cloud: Lab) -> None:
    folder = Path("/etc/mastic/clouds") / cloud.name
    modes = {path: path.stat().st_mode & 0o777 for path in folder.rglob("*")}
    assert modes
    assert {path for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)} == set()
