"""Catalogue and CloudFile: what was read from disk, with the line of every key."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mastic.errors import Place
from mastic.model.base import Base, Bases
from mastic.model.cloud import Cloud
from mastic.model.customise import Customisation
from mastic.model.overrides import Overrides
from mastic.model.service import Service
from mastic.model.source import Source


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
    definition: str = "service.yml"
    """Name of the file that `lines` are of."""

    def place(self, *keys: str | int) -> Place:
        """The line where `keys` (or their nearest parent) stand in `service.yml`."""
        for length in range(len(keys), -1, -1):
            if line := self.lines.get(keys[:length]):
                return Place(str(self.path / self.definition), line)
        return Place(str(self.path / self.definition))


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
    other_locks: dict[str, dict[str, str]] = field(default_factory=dict)
    """Version of Python → release → text of the lock, for bases whose Python is another one."""
    bases: Bases = field(default_factory=Bases)
    """Distributions and processors that images can be built for."""

    def base(self, name: str) -> Base:
        """A base by name; a name that the catalogue does not have is taken apart."""
        family, _, suite = name.partition("-")
        return self.bases.bases.get(name) or Base(family="debian", suite=suite, lists=(family,))

    def lock_text(self, release: str, python: str) -> str | None:
        """Text of the release's lock for a version of Python."""
        return self.other_locks.get(python, self.locks).get(release)

    def image_owners(self) -> dict[str, ServiceFolder]:
        """Image name → folder that declares it."""
        folders = (self.shared, *self.folders.values())
        return {image: folder for folder in folders for image in folder.service.images}


@dataclass(frozen=True)
class Own:
    """The operator's folder `images/` beside the cloud definition."""

    spec: Customisation = field(default_factory=Customisation)
    path: Path = Path("images/images.yml")
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict, repr=False)
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    """Path in the folder → content."""
    plugins: dict[tuple[str, str], Source] = field(default_factory=dict, repr=False)
    """(image, what is said) → plugin."""
    patches: dict[str, tuple[tuple[str, bytes], ...]] = field(default_factory=dict, repr=False)
    """Normalised distribution → (name, content) of its patches, in order."""

    def place(self, *keys: str | int) -> Place:
        """The line where `keys` (or their nearest parent) stand."""
        for length in range(len(keys), -1, -1):
            if line := self.lines.get(keys[:length]):
                return Place(str(self.path), line)
        return Place(str(self.path))


@dataclass(frozen=True)
class RootArchive:
    """A root file system in a tar."""

    path: Path
    digest: str
    """sha256 of the file."""


@dataclass(frozen=True)
class CloudFile:
    """A loaded `cloud.yml`: the definition and where each line stands."""

    cloud: Cloud
    path: Path
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict, repr=False)
    overrides: Overrides = field(default_factory=Overrides, repr=False)
    """The operator's own lines for the services' configuration files."""
    sources: dict[str, Source] = field(default_factory=dict, repr=False)
    """Normalised distribution → what images get instead of the lock's."""
    root_archive: RootArchive | None = None
    """The file that `root: tar:FILE` names."""
    own: Own = field(default_factory=Own, repr=False)
    """The operator's changes to images."""

    def place(self, *keys: str | int) -> Place:
        """The line where `keys` (or their nearest parent) stand."""
        for length in range(len(keys), -1, -1):
            if line := self.lines.get(keys[:length]):
                return Place(str(self.path), line)
        return Place(str(self.path))
