"""Images of the engine ↔ a registry and its mirrors: pushed with their signed records, offered to hosts by id."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mastic.build.engine import Engine
from mastic.build.records import Records
from mastic.build.signing import opened
from mastic.errors import BuildError, Problem
from mastic.model.run import Event

RECORD = ".record"
"""Suffix of the tag under which an image's signed record lies beside it."""


@dataclass(frozen=True)
class Remote:
    """A registry's name space, and others that hold the same."""

    address: str
    """`host:port/name-space`; where images are pushed to, and pulled from last."""
    mirrors: tuple[str, ...] = ()
    """Tried first, in this order."""

    def origins(self, reference: str) -> tuple[str, ...]:
        return tuple(under(address, reference) for address in (*self.mirrors, self.address))


@dataclass(frozen=True)
class Offer:
    """An image that hosts can pull."""

    id: str
    """What the signed record says the image is."""
    origins: tuple[str, ...]


def under(address: str, reference: str) -> str:
    """`mastic/glance-api:3f2a` in the name space of a registry."""
    return f"{address.rstrip('/')}/{reference.partition('/')[2]}"


@dataclass(frozen=True)
class Pushing:
    """What a push needs beside the images."""

    engine: Engine
    remote: Remote
    release: str
    """A second tag of every image: what of a name space belongs to a release."""
    records: Records
    tell: Callable[[Event], None]


def push_images(pushing: Pushing, references: Iterable[str]) -> tuple[str, ...]:
    """Push images with their records; the names they have there. Raises BuildError with every one that failed."""
    pushed: list[str] = []
    problems: list[Problem] = []
    for reference in references:
        name, began = reference.partition("/")[2].partition(":")[0], monotonic()
        pushing.tell(Event("image", name, "progress", message="push", at=time()))
        try:
            pushed.append(push_one(pushing, reference))
        except BuildError as error:
            problems += error.problems
            pushing.tell(Event("image", name, "failed", monotonic() - began, "not pushed", at=time()))
        else:
            pushing.tell(Event("image", name, "done", monotonic() - began, "pushed", at=time()))
    if problems:
        raise BuildError(problems)
    return tuple(pushed)


def push_one(pushing: Pushing, reference: str) -> str:
    """The record goes first: an image that can be seen can be checked."""
    there = under(pushing.remote.address, reference)
    release = f"{there.rpartition(':')[0]}:{pushing.release}"
    if not pushing.records.envelope(reference).is_file():
        raise BuildError(Problem(f"`{reference}` has no signed record", hint="`mastic build --anew` makes both"))
    run(pushing.engine, ["import", "-", there + RECORD], record_tar(pushing.records, reference))
    for name in (there, release):
        run(pushing.engine, ["tag", reference, name])
    names = (there + RECORD, there, release)
    try:
        for name in names:
            run(pushing.engine, ["push", "--quiet", name])
    finally:
        pushing.engine.forget(*names)
    return there


def run(engine: Engine, words: list[str], content: bytes | None = None) -> None:
    done = subprocess.run(engine.command(*words), input=content, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise BuildError(Problem(f"`{' '.join(words)}`: {said}", hint="`docker login` of the registry, or its address"))


def record_tar(records: Records, reference: str) -> bytes:
    """The two files of a record as an image's only layer."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for path in (records.envelope(reference), records.bill(reference)):
            entry = tarfile.TarInfo(path.name)
            entry.size = path.stat().st_size
            with path.open("rb") as file:
                tar.addfile(entry, file)
    return target.getvalue()


def offers(
    engine: Engine, remote: Remote, references: Iterable[str], records: Records, key: Ed25519PublicKey
) -> dict[str, Offer]:
    """What the registry or a mirror has of these, signed with the trusted key; the records are kept."""
    found = {}
    for reference in references:
        if any(fetch_record(engine, origin + RECORD, records) for origin in remote.origins(reference)):
            statement = opened(json.loads(records.envelope(reference).read_text()), key)
            subject: dict[str, Any] = statement["subject"][0] if statement else {"name": ""}
            if subject["name"] == reference:
                found[reference] = Offer(f"sha256:{subject['digest']['sha256']}", remote.origins(reference))
    return found


def fetch_record(engine: Engine, origin: str, records: Records) -> bool:
    """Take an image's record from a registry; False when it has none."""
    if subprocess.run(engine.command("pull", "--quiet", origin), capture_output=True, check=False).returncode:
        return False
    with tempfile.TemporaryDirectory(prefix="mastic-record-") as folder:
        saved = Path(folder) / "record.tar"
        engine.ask("image", "save", "--output", str(saved), origin)
        engine.forget(origin)
        records.folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(saved) as archive:
            layer = archive.extractfile(next(each for each in archive.getnames() if each.endswith("layer.tar")))
            with tarfile.open(fileobj=layer) as files:
                for entry in files:
                    content = files.extractfile(entry)
                    if content and entry.isreg():
                        (records.folder / Path(entry.name).name).write_bytes(content.read())
    return True
