"""`python -m benchmarks.images`: how big each image of the catalogue is, what of it is its own, and the peer's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.command import run_mastic

PEER = {
    "base": (477, 313),
    "keystone": (1340, 29),
    "mariadb": (820, 343),
    "memcached": (480, 2.4),
    "openstack-base": (1250, 770),
    "rabbitmq": (533, 55),
    "root": (164, 164),
}
"""Kolla 21.3.0 on Debian bookworm, image → MB in all and of its own, as far as it was built."""
MOUNTED = ("apt-lists", "build-tools")
"""Only there while others are built."""
CATALOGUE_AIM = 4e9
"""Bytes that 200 images may take, layers counted once."""


@dataclass(frozen=True)
class ImageSize:
    """One image, in bytes."""

    name: str
    total: float
    shared: float
    """Of it in the layers of what it stands on."""

    @property
    def own(self) -> float:
        return self.total - self.shared


def main() -> int:
    """Print a table, and what all together take on disk with each layer counted once."""
    listed = run_mastic("build", "--profile", "catalogue", "--list")
    nodes: list[dict[str, str]] = next(line["result"] for line in listed.lines if line.get("type") == "result")
    found = list(image_sizes(nodes, engine_sizes()))
    for image in found:
        whole, own = PEER.get(image.name, (None, None))
        peer = f"   peer {whole} MB, own {own} MB" if whole else ""
        print(f"{image.name:28} {mega(image.total)}  shared {mega(image.shared)}  own {mega(image.own)}{peer}")
    absent = len([node for node in nodes if node["name"] not in MOUNTED]) - len(found)
    print(summary([image.own for image in found]) + (f"; {absent} do not stand" if absent else ""))
    return listed.exit_code


def summary(own: list[float]) -> str:
    """Sum, and what it means for a catalogue of 200 images."""
    if not own:
        return "no image stands"
    middle, mean = median(own), sum(own) / len(own)
    return (
        f"{len(own)} images, layers counted once: {mega(sum(own))}; own layer {mega(middle)} in the middle,"
        f" {mega(mean)} on average; 200 images fit in {mega(CATALOGUE_AIM)} at {mega(CATALOGUE_AIM / 200)} each"
    )


def image_sizes(nodes: Iterable[Mapping[str, str]], sizes: Mapping[str, float]) -> Iterable[ImageSize]:
    """Of every image that stands; an image is one layer over its parent."""
    references = {node["name"]: node["reference"] for node in nodes}
    for node in nodes:
        size = sizes.get(node["reference"])
        if size is not None and node["name"] not in MOUNTED:
            parent = node["parent"]
            # What is built from a parent's programs but starts from nothing is smaller than it, and shares no layer.
            below = sizes.get(references[parent], 0.0) if parent else 0.0
            yield ImageSize(node["name"], size, below if below <= size else 0.0)


def engine_sizes() -> dict[str, float]:
    """Bytes of every image by reference, as the engine says."""
    words = ["docker", "image", "ls", "--quiet", "--no-trunc", "--filter", "reference=mastic/*"]
    ids = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    if not ids:
        return {}
    shown = subprocess.run(["docker", "image", "inspect", *set(ids)], check=True, capture_output=True, text=True).stdout
    return {reference: image["Size"] for image in json.loads(shown) for reference in image["RepoTags"]}


def mega(value: float) -> str:
    """Bytes as MB."""
    return f"{value / 1e6:.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
