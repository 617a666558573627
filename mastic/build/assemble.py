"""A clean layer, its parent and a built image's settings → the image that the engine keeps, as an archive."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mastic.build.epoch import EPOCH
from mastic.build.graph import BUILDER, ImageNode
from mastic.build.sbom import timestamp

KEPT_SETTINGS = (
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Labels",
    "Shell",
    "StopSignal",
    "User",
    "Volumes",
    "WorkingDir",
)
"""Of an image's configuration; the rest belongs to the machine that built it."""
SOURCE = "catalogue"


@dataclass(frozen=True)
class Parent:
    """What an image stands on, as the engine has it."""

    reference: str
    id: str
    """Digest of its configuration, which names all its layers."""
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Made:
    """A layer ready to become an image."""

    layer: Path
    digest: str
    settings: Mapping[str, Any]
    """The engine's `Config` of the built image."""
    parent: Parent | None
    architecture: str
    created: int = EPOCH


def image_config(node: ImageNode, made: Made) -> dict[str, Any]:
    """The OCI configuration: the same for the same inputs; its digest is the image's id."""
    layers = (*(made.parent.layers if made.parent else ()), made.digest)
    settings = {key: made.settings[key] for key in KEPT_SETTINGS if made.settings.get(key)}
    settings["Labels"] = {**settings.get("Labels", {}), **labels(node, made)}
    created = timestamp(made.created)
    history = [{"created": timestamp(EPOCH), "created_by": BUILDER}] * len(layers)
    return {
        "architecture": made.architecture,
        "config": settings,
        "created": created,
        "history": history,
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": list(layers)},
    }


def labels(node: ImageNode, made: Made) -> dict[str, str]:
    """OCI's annotations. `revision` is the digest of all inputs: what tells one state of the source from another."""
    name, _, revision = node.reference.rpartition(":")
    oci = "org.opencontainers.image"
    found = {
        f"{oci}.title": name,
        f"{oci}.source": f"{SOURCE}/{node.service}",
        f"{oci}.revision": revision,
        f"{oci}.version": node.version,
        f"{oci}.created": timestamp(made.created),
    }
    if made.parent:
        found |= {f"{oci}.base.name": made.parent.reference, f"{oci}.base.digest": made.parent.id}
    return found


def canonical(config: Mapping[str, Any]) -> bytes:
    return json.dumps(config, sort_keys=True, separators=(",", ":")).encode()


def image_id(config: Mapping[str, Any]) -> str:
    return f"sha256:{hashlib.sha256(canonical(config)).hexdigest()}"


def write_archive(node: ImageNode, config: Mapping[str, Any], layer: Path, target: Path) -> None:
    """What `docker load` takes; layers that the engine has already are named, not carried."""
    digests = config["rootfs"]["diff_ids"]
    text = canonical(config)
    name = f"{hashlib.sha256(text).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [node.reference], "Layers": [layer_path(each) for each in digests]}]
    with tarfile.open(target, "w") as archive:
        add_text(archive, name, text)
        add_text(archive, "manifest.json", json.dumps(manifest).encode())
        archive.add(layer, layer_path(digests[-1]))


def layer_path(digest: str) -> str:
    return f"{digest.removeprefix('sha256:')}/layer.tar"


def add_text(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = len(content), EPOCH
    archive.addfile(entry, io.BytesIO(content))
