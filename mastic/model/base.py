"""Base types: what `_shared/bases.yml` may say (strict; unknown keys are errors)."""

from __future__ import annotations

from typing import Literal

from mastic.model.release import PythonVersion
from mastic.model.service import Name, Strict


class Platform(Strict):
    """How a processor is called in different places."""

    debian: str = "amd64"
    """By Debian's packages."""
    machine: str = "x86_64"
    """By the kernel, by rpm and by Kolla."""
    libraries: str = "x86_64-linux-gnu"
    """Folder of its libraries under `/usr/lib` on Debian."""
    qemu: str = "x86"
    """By the packages of qemu."""
    loader: str = "/lib64/ld-linux-x86-64.so.2"
    """The program that loads programs."""


class Base(Strict):
    """A distribution that images are built on."""

    family: Literal["debian", "el"]
    """How packages are installed: apt or dnf."""
    suite: str
    """Name of the distribution's release, as its archive calls it."""
    lists: tuple[Name, ...]
    """Keys of an image's `packages`; the first of them that the image has counts."""
    python: PythonVersion = "3.13"
    """Version of the interpreter; there must be locks for it."""
    interpreter: str = "/usr/bin/python3"
    bootstrap: bool = False
    """mmdebstrap makes the root, from the mirrors of the building machine."""
    image: str | None = None
    """The root in a registry, used where `bootstrap` is not said."""
    distro: Name = "debian"
    """What Kolla calls it (`KOLLA_BASE_DISTRO`)."""
    repositories: tuple[str, ...] = ()
    """Commands, run while the root is made, that add the distribution's further repositories with their keys."""
    binary: str | None = None
    """Release of OpenStack in the distribution's own packages."""
    built: bool = False
    """Images on this base were built and run by mastic's tests, not only written down."""
    lacks: dict[Name, str] = {}
    """Capability that services on this base cannot provide → why."""


class Bases(Strict):
    """`_shared/bases.yml`."""

    bases: dict[Name, Base] = {}
    platforms: dict[str, Platform] = {}
