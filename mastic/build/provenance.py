"""An image and everything it was made from → in-toto statement with SLSA provenance; pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mastic.build.epoch import EPOCH
from mastic.build.graph import BUILDER, LAYER_FORMAT, ImageNode
from mastic.build.lock import parse_lock

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
REQUIREMENTS = "context/requirements.txt"
Dependency = dict[str, Any]


def provenance(node: ImageNode, config: Mapping[str, Any], image: str, bill: str) -> dict[str, Any]:
    """The statement about one image: its id, its layers, its bill of materials, and every input with its digest."""
    labels = config["config"]["Labels"]
    bases = [
        {"name": value, "digest": sha256_of(labels["org.opencontainers.image.base.digest"])}
        for key, value in labels.items()
        if key == "org.opencontainers.image.base.name"
    ]
    return {
        "_type": STATEMENT,
        "subject": [{"name": node.reference, "digest": sha256_of(image)}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": f"mastic-image/{LAYER_FORMAT}",
                "externalParameters": {"image": node.name, "service": node.service, "version": node.version},
                "internalParameters": {"epoch": EPOCH, "tools": list(node.tools)},
                "resolvedDependencies": [*bases, *inputs(node), *locked(node), *packages(bill)],
            },
            "runDetails": {
                "builder": {"id": BUILDER},
                "byproducts": [
                    {"name": "sbom", "digest": digest_of(bill.encode())},
                    *({"name": "layer", "digest": sha256_of(each)} for each in config["rootfs"]["diff_ids"]),
                ],
            },
        },
    }


def sha256_of(digest: str) -> dict[str, str]:
    return {"sha256": digest.removeprefix("sha256:")}


def digest_of(content: bytes) -> dict[str, str]:
    return {"sha256": hashlib.sha256(content).hexdigest()}


def inputs(node: ImageNode) -> Iterator[Dependency]:
    """Dockerfile and files of the build context."""
    if node.dockerfile:
        yield {"name": "Dockerfile", "digest": digest_of(node.dockerfile.encode())}
    for path, content in sorted(node.context.items()):
        yield {"name": path, "digest": digest_of(content)}


def locked(node: ImageNode) -> Iterator[Dependency]:
    """Python distributions of the image's own part of the lock, with the hashes that their files must have."""
    text = node.context.get(REQUIREMENTS, b"").decode()
    for item in parse_lock(text).distributions.values():
        hashes = [{"sha256": value.removeprefix("sha256:")} for value in item.hashes]
        yield {"uri": f"pkg:pypi/{item.name}@{item.version}", "annotations": {"accepted": hashes}}


def packages(bill: str) -> Iterator[Dependency]:
    """Distribution packages, whose files the archive's signature vouches for."""
    for component in json.loads(bill)["components"]:
        if re.match(r"pkg:(deb|rpm)/", component["purl"]):
            yield {"uri": component["purl"]}
