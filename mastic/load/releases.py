"""`_shared/releases.yml` → Releases."""

from __future__ import annotations

from pathlib import Path

from mastic.errors import InputError, Place, Problem, did_you_mean
from mastic.load.strict import read_yaml, to_model
from mastic.model.release import Release, Releases

FILE = "releases.yml"


def load_releases(shared: Path) -> Releases:
    """Read the releases of the catalogue whose shared folder is `shared`; raises InputError with every problem."""
    document = read_yaml(shared / FILE)
    return to_model(Releases, document, "", FILE)


def find_release(releases: Releases, name: str, shared: Path) -> Release:
    """One release; raises InputError when the catalogue does not know it."""
    if name in releases.releases:
        return releases.releases[name]
    known = ", ".join(f"`{each}`" for each in releases.releases)
    hint = did_you_mean(name, releases.releases) or f"known: {known}; add it to the file"
    raise InputError(Problem(f"no release `{name}`", Place(str(shared / FILE)), hint))
