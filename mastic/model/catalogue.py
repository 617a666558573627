"""Catalogue and CloudFile: what was read from disk, with the line of every key."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mastic.errors import Place
from mastic.model.cloud import Cloud
from mastic.model.overrides import Overrides
from mastic.model.service import Service


@dataclass(frozen=True)
class ServiceFolder:
    """A loaded service folder: what `service.yml` says, where each line stands, and its other files."""

    service: Service
    path: Path
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict, repr=False)
    """Path of keys in `service.yml` → line number."""
    templates: dict[str, str] = field(default_factory=dict, repr=False)
    """Name under `templates/` → text."""
    image_files: dict[str, bytes] = field(default_factory=dict, repr=False)
    """Name under `image/` → content."""

    def place(self, *keys: str | int) -> Place:
        """The line where `keys` (or their nearest parent) stand in `service.yml`."""
        for length in range(len(keys), -1, -1):
            if line := self.lines.get(keys[:length]):
                return Place(str(self.path / "service.yml"), line)
        return Place(str(self.path / "service.yml"))


@dataclass(frozen=True)
class Catalogue:
    """All service folders by name; `shared` is the `_shared` folder (base images, macros, locks, users)."""

    path: Path
    folders: dict[str, ServiceFolder]
    shared: ServiceFolder
    users: dict[str, tuple[int, int]]
    """Unix user → (uid, gid), fixed for every image."""
    locks: dict[str, str]
    """Release → requirements text with versions, hashes and `# via` edges."""

    def image_owners(self) -> dict[str, ServiceFolder]:
        """Image name → folder that declares it."""
        folders = (self.shared, *self.folders.values())
        return {image: folder for folder in folders for image in folder.service.images}


@dataclass(frozen=True)
class CloudFile:
    """A loaded `cloud.yml`: the definition and where each line stands."""

    cloud: Cloud
    path: Path
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict, repr=False)
    overrides: Overrides = field(default_factory=Overrides, repr=False)
    """The operator's own lines for the services' configuration files."""

    def place(self, *keys: str | int) -> Place:
        """The line where `keys` (or their nearest parent) stand."""
        for length in range(len(keys), -1, -1):
            if line := self.lines.get(keys[:length]):
                return Place(str(self.path), line)
        return Place(str(self.path))
