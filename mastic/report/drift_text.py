"""Drift → text and plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol

from mastic.report.progress import amount, columns


class Drifted(Protocol):
    """One thing that is no longer as it was left."""

    @property
    def host(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def what(self) -> str: ...


def drift_text(found: Sequence[Drifted], generation: int) -> str:
    """What drifted, and how it is put right."""
    if not found:
        return f"everything is as generation {generation} left it"
    head = f"{amount(len(found), 'thing')} not as generation {generation} left it:"
    return "\n".join([head, *rows(found), "`mastic apply` puts it right; `mastic plan` shows how"])


def change_text(appeared: Sequence[Drifted], gone: Sequence[Drifted]) -> str:
    """What changed since the last look."""
    lines = ["drifted:", *rows(appeared)] if appeared else []
    return "\n".join([*lines, "right again:", *rows(gone)] if gone else lines)


def rows(found: Sequence[Drifted]) -> list[str]:
    return columns((drift.resource, drift.host, drift.what) for drift in found)


def drift_objects(found: Sequence[Any]) -> list[dict[str, Any]]:
    """The list for programs."""
    return [asdict(drift) for drift in found]
