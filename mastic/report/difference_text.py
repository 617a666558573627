"""Differences between two wanted clouds → text and plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol


class Difference(Protocol):
    """A difference of one file, container, job, volume or secret."""

    @property
    def resource(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def lines(self) -> tuple[str, ...]: ...


def parts_text(parts: Sequence[Difference]) -> str:
    """One block per file; a short sentence stands on the line of its name."""
    return "\n".join(block(part) for part in parts) if parts else "no difference"


def block(part: Difference) -> str:
    if len(part.lines) == 1:
        return f"{part.resource} {part.what}: {part.lines[0]}"
    return "\n".join([f"{part.resource} {part.what}", *(f"  {line}".rstrip() for line in part.lines)])


def parts_objects(parts: Sequence[Any]) -> list[dict[str, Any]]:
    """The list for programs."""
    return [asdict(part) for part in parts]
