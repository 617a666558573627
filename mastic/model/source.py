"""Source: a Python distribution that images get instead of the lock's, with its content."""

from __future__ import annotations

from dataclasses import dataclass, field

from mastic.errors import Place


@dataclass(frozen=True)
class Source:
    """What `sources` of cloud.yml names, read from disk: its content counts in the images' digests."""

    name: str
    """Normalised name of the distribution."""
    said: str
    place: Place
    version: str | None = None
    """A version on the index, and no files."""
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    """Path → content: the one sdist or wheel, or everything in the folder."""
    is_folder: bool = False
