"""The images that a test looks at: built when the engine does not have them, so that no test is left out."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from mastic.build.builder import build_images
from mastic.build.graph import ImageGraph, image_graph
from mastic.cli.options import shipped_catalogue
from mastic.execute.feed import ImageFeed
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud

LAPTOP = Path(__file__).parents[2] / "examples/laptop/cloud.yml"
LEFT_OUT = ("heat", "horizon", "cinder")


@cache
def laptop() -> ImageGraph:
    """Images of the example."""
    return image_graph(load_catalogue(shipped_catalogue()), load_cloud(LAPTOP))


@cache
def larger() -> ImageGraph:
    """Images of the example and of the services that it leaves out."""
    example = load_cloud(LAPTOP)
    services = (*example.cloud.services, *LEFT_OUT)
    cloud = replace(example, cloud=example.cloud.model_copy(update={"services": services}))
    return image_graph(load_catalogue(shipped_catalogue()), cloud)


@cache
def logs() -> Path:
    return Path(tempfile.mkdtemp(prefix="mastic-test-build-"))


def standing(*names: str, graph: ImageGraph | None = None) -> tuple[str, ...]:
    """References of these images, of the example unless a graph is said; they stand when this returns."""
    images = graph or laptop()
    build_images(images, names, ImageFeed(), lambda event: None, logs())
    return tuple(images.references[name] for name in names)
