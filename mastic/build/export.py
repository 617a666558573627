"""ImageGraph → text: a tree for people, and every Dockerfile with its context as files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from mastic.build.bootstrap import root_command
from mastic.build.graph import ImageGraph, ImageNode


def tree_lines(graph: ImageGraph, chosen: Iterable[str]) -> list[str]:
    """The chosen images below the nearest chosen image they stand on."""
    names = set(chosen)
    children: dict[str | None, list[str]] = {}
    for name in sorted(names):
        children.setdefault(nearest_parent(graph, name, names), []).append(name)
    return [line for top in children.get(None, ()) for line in (top, *branch(top, children, ""))]


def nearest_parent(graph: ImageGraph, name: str, names: set[str]) -> str | None:
    parent = graph.nodes[name].parent
    while parent and parent not in names:
        parent = graph.nodes[parent].parent
    return parent


def branch(name: str, children: dict[str | None, list[str]], indent: str) -> Iterable[str]:
    own = children.get(name, [])
    for index, child in enumerate(own):
        last = index == len(own) - 1
        yield f"{indent}{'└── ' if last else '├── '}{child}"
        yield from branch(child, children, indent + ("    " if last else "│   "))


def write_dockerfiles(graph: ImageGraph, chosen: Iterable[str], folder: Path) -> tuple[Path, ...]:
    """One folder per image with its Dockerfile and context; a root without Dockerfile gives its command instead."""
    return tuple(write_image(graph.nodes[name], folder / name) for name in chosen)


def write_image(node: ImageNode, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if node.bootstrap:
        path = folder / "mmdebstrap.json"
        path.write_text(json.dumps(root_command(node.bootstrap, "sources"), indent=1) + "\n")
        return path
    write_context(node, folder)
    return folder / "Dockerfile"


def write_context(node: ImageNode, folder: Path) -> None:
    """Write Dockerfile and files (0755: scripts and programs)."""
    (folder / "Dockerfile").write_text(node.dockerfile)
    for path, content in node.context.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o755)
