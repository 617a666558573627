"""Customisation types: what an operator's `images/images.yml` may say (strict; unknown keys are errors)."""

from __future__ import annotations

from mastic.model.service import Image, Name, Strict


class ListChange(Strict):
    """What becomes of a list; a name that the list does not have cannot be removed."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    replace: tuple[str, ...] | None = None
    """The whole list anew, before `add` and `remove`."""


class ImageChange(Strict):
    """What is other in an image of the catalogue."""

    packages: ListChange = ListChange()
    """Packages of the distribution."""
    python: ListChange = ListChange()
    """Distributions of the release's lock."""
    run: ListChange = ListChange()
    """Shell commands."""
    environment: dict[str, str] = {}
    """Added to the image's environment, and stronger."""
    files: dict[str, str] = {}
    """File under `images/files/` → absolute path in the image."""
    plugins: tuple[str, ...] = ()
    """Python distributions that the lock does not have: `name==version`, or the path of a folder, sdist or wheel."""
    blocks: str | None = None
    """File beside images.yml with `{% block name %}…{% endblock %}` for blocks of the image's Dockerfile template."""
    template: str | None = None
    """File beside images.yml that is the image's Dockerfile template instead of the catalogue's."""


class OwnImage(Image):
    """An image of the operator's own, usually on top of one of the catalogue's."""

    workloads: tuple[Name, ...] = ()
    """Workloads of the catalogue that run it instead of their own image."""


class Customisation(Strict):
    """`images/images.yml`."""

    change: dict[Name, ImageChange] = {}
    add: dict[Name, OwnImage] = {}
