"""A whole cloud ↔ one archive: images (each layer once), their records, catalogue with locks, definition."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mastic.build.engine import Engine
from mastic.build.records import Records
from mastic.build.signing import opened, sign
from mastic.errors import InputError, Place, Problem

MANIFEST = "bundle.json"
IMAGES = "images.tar"
CATALOGUE, CLOUD, RECORDS = "catalogue", "cloud", "records"
FORMAT = 1
DAMAGED = "make the bundle again, or copy it again: `mastic bundle create`"


@dataclass(frozen=True)
class Contents:
    """What goes into a bundle."""

    cloud: str
    catalogue: Path
    definition: Path
    """The cloud's `cloud.yml`."""
    overrides: Path
    """Folder of override files, which may be missing."""
    references: tuple[str, ...]
    records: Records


@dataclass(frozen=True)
class Loaded:
    """Where a bundle's parts are now."""

    cloud: str
    definition: Path
    catalogue: Path
    references: tuple[str, ...]


def create_bundle(engine: Engine, contents: Contents, key: Ed25519PrivateKey, target: Path) -> int:
    """Write the bundle, which appears whole or not at all; its size in bytes. Raises InputError for absent images."""
    facts = engine.facts()
    absent = [reference for reference in contents.references if reference not in facts]
    if absent:
        hint = "`mastic build` makes them"
        raise InputError([Problem(f"image `{reference}` is not in the engine", hint=hint) for reference in absent])
    fresh = target.with_name(f"{target.name}.new")
    with tempfile.TemporaryDirectory(prefix="mastic-bundle-", dir=target.resolve().parent) as folder:
        images = Path(folder) / IMAGES
        engine.ask("image", "save", "--output", str(images), *contents.references)
        files = {IMAGES: images, **dict(parts(contents))}
        manifest = {
            "format": FORMAT,
            "cloud": contents.cloud,
            "images": {reference: facts[reference].id for reference in contents.references},
            "files": {name: digest(path) for name, path in files.items()},
        }
        head = Path(folder) / MANIFEST
        head.write_text(json.dumps(sign(manifest, key)))
        with tarfile.open(fresh, "w") as archive:
            for name, path in {MANIFEST: head, **files}.items():
                archive.add(path, name, recursive=False, filter=anonymous)
    fresh.replace(target)
    return target.stat().st_size


def anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's file of no time: who made a bundle and when is no part of it."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def parts(contents: Contents) -> Iterator[tuple[str, Path]]:
    """Name in the bundle → file, without images."""
    yield f"{CLOUD}/{contents.definition.name}", contents.definition
    for prefix, folder in ((CATALOGUE, contents.catalogue), (f"{CLOUD}/{contents.overrides.name}", contents.overrides)):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{prefix}/{path.relative_to(folder).as_posix()}", path
    for reference in contents.references:
        for path in (contents.records.envelope(reference), contents.records.bill(reference)):
            if path.is_file():
                yield f"{RECORDS}/{path.name}", path


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_bundle(engine: Engine, source: Path, target: Path, records: Records, key: Ed25519PublicKey) -> Loaded:
    """Check every byte against the signed list, then load images and write the rest below `target`.

    Raises InputError when the bundle is damaged or signed by somebody else; then nothing was loaded.
    """
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".mastic-bundle-", dir=target) as folder:
        manifest = unpack(source, Path(folder), key)
        engine.ask("image", "load", "--quiet", "--input", str(Path(folder) / IMAGES))
        check_ids(engine, manifest, source)
        records.folder.mkdir(parents=True, exist_ok=True)
        for path in sorted((Path(folder) / RECORDS).glob("*")):
            path.replace(records.folder / path.name)
        for part in (CATALOGUE, CLOUD):
            shutil.rmtree(target / part, ignore_errors=True)
            (Path(folder) / part).replace(target / part)
    (definition,) = [name for name in manifest["files"] if PurePosixPath(name).parent == PurePosixPath(CLOUD)]
    return Loaded(manifest["cloud"], target / definition, target / CATALOGUE, tuple(manifest["images"]))


def unpack(source: Path, folder: Path, key: Ed25519PublicKey) -> dict[str, Any]:
    """Write the bundle's files below `folder`, each checked; the manifest."""
    try:
        with tarfile.open(source) as archive:
            manifest = read_manifest(archive, source, key)
            found = {}
            for entry in archive:
                if entry.name in manifest["files"] and entry.isreg():
                    found[entry.name] = write_member(archive, entry, folder)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(Problem(f"the bundle cannot be read: {error}", Place(str(source)), DAMAGED)) from error
    wrong = [name for name, expected in manifest["files"].items() if found.get(name) != expected]
    if wrong:
        raise InputError([Problem(f"`{name}` is missing or damaged", Place(str(source)), DAMAGED) for name in wrong])
    return manifest


def read_manifest(archive: tarfile.TarFile, source: Path, key: Ed25519PublicKey) -> dict[str, Any]:
    first = archive.next()
    file = archive.extractfile(first) if first and first.name == MANIFEST else None
    if file is None:
        raise InputError(Problem("this is not a bundle of mastic", Place(str(source)), DAMAGED))
    manifest = opened(json.loads(file.read()), key)
    if manifest is None:
        hint = "$MASTIC_SIGNING_KEY names the public key (`.pub`) of whoever made it"
        raise InputError(
            Problem("the bundle is not signed with the key that is trusted here", Place(str(source)), hint)
        )
    if manifest["format"] != FORMAT:
        hint = f"this mastic reads format {FORMAT}"
        raise InputError(Problem(f"the bundle has format {manifest['format']}", Place(str(source)), hint))
    return manifest


def write_member(archive: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> str:
    """The digest of a member, written to its place; names outside of the folder are not followed."""
    path = folder.joinpath(*[part for part in PurePosixPath(entry.name).parts if part not in ("/", "..")])
    path.parent.mkdir(parents=True, exist_ok=True)
    file = archive.extractfile(entry)
    with path.open("wb") as out:
        if file:
            shutil.copyfileobj(file, out, 1 << 20)
    return digest(path)


def check_ids(engine: Engine, manifest: dict[str, Any], source: Path) -> None:
    facts = engine.facts()
    wrong: Iterable[str] = [
        reference
        for reference, expected in manifest["images"].items()
        if reference not in facts or facts[reference].id != expected
    ]
    if wrong:
        told = [Problem(f"image `{each}` is not what was signed", Place(str(source)), DAMAGED) for each in wrong]
        raise InputError(told)
