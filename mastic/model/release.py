"""Release types: what `_shared/releases.yml` may say (strict; unknown keys are errors)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from mastic.model.service import Strict

Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
VersionPrefix = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)*$")]
"""`27` means 27.anything, `25.3` means 25.3.anything."""
PythonVersion = Annotated[str, StringConstraints(pattern=r"^3\.\d+$")]


class Release(Strict):
    """One release of OpenStack: the versions of its projects."""

    day: Day
    """The day it came out."""
    libraries: Day | None = None
    """Everything that is not a project is taken as the index knew it on this day; absent means as it is now."""
    projects: dict[str, VersionPrefix]
    """Distribution → how its versions start."""


class Releases(Strict):
    """`_shared/releases.yml`."""

    python: PythonVersion
    """Version of Python that locks are made for unless a base has another."""
    roots: tuple[str, ...] = ()
    """Distributions that every release's lock holds beside its projects, with extras."""
    releases: dict[str, Release] = Field(default_factory=dict)
