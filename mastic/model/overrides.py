"""Overrides: the operator's own lines for the services' configuration files, and the layers a file is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mastic.errors import Place

Level = Literal["template", "global", "service", "workload", "host"]
"""From the weakest to the strongest."""


@dataclass(frozen=True)
class Overrides:
    """Every file of the operator's folder of overrides, as it was read."""

    path: Path = Path("config")
    files: dict[str, str] = field(default_factory=dict, repr=False)
    """Path inside the folder, e.g. `nova/nova-api.conf` → text, a template over what the file's own template sees."""

    def place(self, name: str, line: int | None = None) -> Place:
        return Place(str(self.path / name), line)


@dataclass(frozen=True)
class Said:
    """One option as one layer says it."""

    section: str
    """Empty for files without sections."""
    option: str
    """For YAML and JSON the keys joined by dots."""
    values: tuple[str, ...]
    """Several when the option stands there several times."""
    places: tuple[Place, ...]
    """The line of each value."""


@dataclass(frozen=True)
class Layer:
    """What one file contributes to a configuration file."""

    level: Level
    place: Place
    said: tuple[Said, ...] = ()
    """Empty for a file that counts as a whole."""
