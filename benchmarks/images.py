"""`python -m benchmarks.images`: how big each image is, and how much of it is its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "B": 1.0}


@dataclass(frozen=True, order=True)
class ImageSize:
    """One image, in bytes."""

    name: str
    total: float
    shared: float
    """Of it in layers that other images have as well."""
    own: float


def main() -> int:
    """Print a table and what all together take on disk."""
    found = sorted(image_sizes())
    for image in found:
        print(f"{image.name:60} {mega(image.total)}  shared {mega(image.shared)}  own {mega(image.own)}")
    largest_shared = max((image.shared for image in found), default=0.0)
    own = sum(image.own for image in found)
    print(f"{len(found)} images: own layers {mega(own)}, and shared layers at least {mega(largest_shared)}")
    return 0


def image_sizes() -> list[ImageSize]:
    """The newest image of each name in the engine, as `docker system df -v` counts it."""
    listed = subprocess.run(
        ["docker", "system", "df", "--verbose", "--format", "{{json .Images}}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    images = newest(image for image in json.loads(listed) if image["Repository"].startswith("mastic/"))
    return [
        ImageSize(
            f"{image['Repository']}:{image['Tag']}",
            *(size(image[key]) for key in ("Size", "SharedSize", "UniqueSize")),
        )
        for image in images
    ]


def newest(images: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """The image that was made last of each name; others are left from earlier definitions."""
    last = {image["Repository"]: image for image in sorted(images, key=lambda image: image["CreatedAt"])}
    return list(last.values())


def size(text: str) -> float:
    """`123.4MB` in bytes."""
    unit = next(unit for unit in UNITS if text.endswith(unit))
    return float(text.removesuffix(unit)) * UNITS[unit]


def mega(value: float) -> str:
    """Bytes as MB."""
    return f"{value / 1e6:7.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
