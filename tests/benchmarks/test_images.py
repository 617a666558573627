"""Sizes of images: what stands on another shares its layers, and each layer counts once."""

from __future__ import annotations

from benchmarks.images import image_sizes, summary

NODES: list[dict[str, str]] = [
    {"name": "root", "reference": "mastic/root:1", "parent": ""},
    {"name": "web", "reference": "mastic/web:1", "parent": "root"},
    {"name": "disk", "reference": "mastic/disk:1", "parent": "root"},
    {"name": "absent", "reference": "mastic/absent:1", "parent": "web"},
    {"name": "apt-lists", "reference": "mastic/apt-lists:1", "parent": "root"},
]
SIZES = {"mastic/root:1": 100e6, "mastic/web:1": 130e6, "mastic/disk:1": 10e6, "mastic/apt-lists:1": 160e6}


def test_an_image_owns_what_its_parent_has_not() -> None:
    found = {image.name: (image.shared, image.own) for image in image_sizes(NODES, SIZES)}
    assert found == {"root": (0, 100e6), "web": (100e6, 30e6), "disk": (0, 10e6)}


def test_the_sum_counts_every_layer_once() -> None:
    said = summary([image.own for image in image_sizes(NODES, SIZES)])
    assert said.startswith("3 images, layers counted once: 140.0 MB; own layer 30.0 MB in the middle")
    assert summary([]) == "no image stands"
