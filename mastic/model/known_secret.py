"""KnownSecret: a secret as far as anybody may know it; never its value."""

from __future__ import annotations

from dataclasses import dataclass

from mastic.model.service import Secret


@dataclass(frozen=True)
class KnownSecret:
    """A secret of a cloud."""

    name: str
    secret: Secret
    version: int | None
    """None for one that was not made yet."""
    users: tuple[str, ...]
    """Services whose files it is in."""
