"""ImageGraph ↔ text: how every image is built, kept with a generation so that one that is gone can be made again."""

from __future__ import annotations

from pydantic import ConfigDict, TypeAdapter, with_config
from pydantic.dataclasses import dataclass

from mastic.build.graph import ImageGraph, ImageNode


@with_config(ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))
@dataclass(frozen=True)
class Recipes:
    """The nodes of a graph, parents first."""

    nodes: tuple[ImageNode, ...]


_RECIPES = TypeAdapter(Recipes)


def recipes_text(graph: ImageGraph) -> str:
    """The whole graph, contexts of builds included; the same graph gives the same text."""
    return _RECIPES.dump_json(Recipes(tuple(graph.nodes.values()))).decode()


def graph_of(text: str) -> ImageGraph:
    """The graph that `recipes_text` wrote; an empty text is an empty graph."""
    nodes = _RECIPES.validate_json(text).nodes if text else ()
    return ImageGraph({node.name: node for node in nodes})
