"""What a build made → a clean layer with its bill of materials → the tagged image in the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mastic.build.assemble import Made, Parent, image_config, image_id, write_archive
from mastic.build.engine import Engine
from mastic.build.epoch import EPOCH
from mastic.build.graph import SCRATCH, ImageNode
from mastic.build.layer import SBOM, Clean, clean_layer
from mastic.build.provenance import provenance
from mastic.build.records import Records
from mastic.build.sbom import bill_of_materials
from mastic.build.signing import sign


@dataclass(frozen=True)
class Raw:
    """What a build handed out."""

    tar: Path
    """The files of the image that its base has not."""
    inventory: Mapping[str, Any]
    base: str = SCRATCH
    settings: Mapping[str, Any] | None = None
    mount_points: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Keeping:
    """Where an image goes, and what is kept about it."""

    engine: Engine
    suite: str
    """Distribution release of the roots."""
    records: Records
    key: Ed25519PrivateKey


def finish_image(keeping: Keeping, node: ImageNode, raw: Raw) -> None:
    """Clean the layer, sign what is known about the image, load it under its tag: the tag appears only now.

    An image with a greatest age keeps the time it was made at; every other says the same day.
    Raises HostError when the engine does not take it.
    """
    engine = keeping.engine
    bill = bill_of_materials(node, raw.inventory, keeping.suite, EPOCH)
    layer = raw.tar.with_suffix(".clean")
    digest = clean_layer(raw.tar, layer, Clean(EPOCH, raw.mount_points, ((SBOM, bill.encode()),)))
    parent = parent_of(engine, raw.base) if raw.base != SCRATCH else None
    created = EPOCH if node.max_age_hours is None else int(time())
    architecture = node.platform.partition("/")[2] if node.platform else engine.architecture()
    config = image_config(node, Made(layer, digest, raw.settings or {}, parent, architecture, created=created))
    archive = raw.tar.with_suffix(".archive")
    write_archive(node, config, layer, archive)
    statement = provenance(node, config, image_id(config), bill)
    keeping.records.write(node.reference, sign(statement, keeping.key), bill)
    engine.ask("image", "load", "--quiet", "--input", str(archive))


def parent_of(engine: Engine, reference: str) -> Parent:
    found = engine.inspect(reference)
    return Parent(reference, found["Id"], tuple(found["RootFS"]["Layers"]))
