"""What the controller keeps of each image: signed provenance and bill of materials; and the check of all of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mastic.build.engine import ImageFacts
from mastic.build.graph import ImageGraph, ImageNode
from mastic.build.provenance import PREDICATE, digest_of
from mastic.build.signing import opened
from mastic.errors import Problem

REBUILD = "`mastic build --anew` makes image and record again"


@dataclass(frozen=True)
class Records:
    """A folder with two files per image."""

    folder: Path

    def envelope(self, reference: str) -> Path:
        return self.folder / f"{stem(reference)}.provenance.json"

    def bill(self, reference: str) -> Path:
        return self.folder / f"{stem(reference)}.sbom.json"

    def write(self, reference: str, envelope: dict[str, Any], bill: str) -> None:
        """Keep both; each file appears whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path, text in ((self.bill(reference), bill), (self.envelope(reference), json.dumps(envelope))):
            fresh = path.with_suffix(".new")
            fresh.write_text(text)
            fresh.replace(path)


def stem(reference: str) -> str:
    return reference.partition("/")[2].replace(":", "-")


def check_images(
    graph: ImageGraph, names: Iterable[str], facts: dict[str, ImageFacts], records: Records, key: Ed25519PublicKey
) -> list[Problem]:
    """Everything that is not as it was signed; empty when all is well."""
    return [
        Problem(f"image `{name}`: {what}", hint=REBUILD)
        for name in names
        for what in flaws(graph.nodes[name], facts, records, key)
    ]


def flaws(node: ImageNode, facts: dict[str, ImageFacts], records: Records, key: Ed25519PublicKey) -> Iterator[str]:
    found = facts.get(node.reference)
    if found is None:
        yield f"`{node.reference}` is not in the engine"
        return
    try:
        envelope = json.loads(records.envelope(node.reference).read_text())
        bill = records.bill(node.reference).read_bytes()
    except (OSError, ValueError) as error:
        yield f"its record cannot be read: {error}"
        return
    statement = opened(envelope, key)
    if statement is None or statement.get("predicateType") != PREDICATE:
        yield "its provenance is not signed with this key"
        return
    yield from differences(node, found, statement, bill)


def differences(node: ImageNode, found: ImageFacts, statement: dict[str, Any], bill: bytes) -> Iterator[str]:
    """What the signed statement says otherwise than engine, graph and bill of materials."""
    (subject,) = statement["subject"]
    if subject["name"] != node.reference:
        yield f"its provenance is about `{subject['name']}`"
    if f"sha256:{subject['digest']['sha256']}" != found.id:
        yield f"the engine has another image under this tag ({found.id[:19]}) than the one that was signed"
    products = statement["predicate"]["runDetails"]["byproducts"]
    layers = tuple(f"sha256:{each['digest']['sha256']}" for each in products if each["name"] == "layer")
    if layers != found.layers:
        yield "its layers are not those that were signed"
    if {"name": "sbom", "digest": digest_of(bill)} not in products:
        yield "its bill of materials was changed"
    if found.labels.get("org.opencontainers.image.revision") != node.reference.rpartition(":")[2]:
        yield "its label `revision` is not its tag"
