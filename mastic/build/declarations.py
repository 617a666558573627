"""Images as declared, the lock and the base → what one image's Dockerfile is rendered with; pure."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from jinja2 import TemplateError

from mastic.build.bases import RootWay, render_word, root_way
from mastic.build.kinds import packages_for
from mastic.build.lock import Lock, normalise, parse_lock
from mastic.errors import Problem
from mastic.model.base import Base, Platform
from mastic.model.catalogue import Catalogue, CloudFile, ServiceFolder
from mastic.model.service import Image


@dataclass
class Declarations:
    """Answers about images; what is wrong with them goes to `problems`."""

    catalogue: Catalogue
    cloud_file: CloudFile
    images: dict[str, tuple[ServiceFolder, Image]]
    problems: list[Problem]

    @cached_property
    def base(self) -> Base:
        return self.catalogue.base(self.cloud_file.cloud.base)

    @cached_property
    def platform(self) -> Platform:
        return self.catalogue.bases.platforms.get(self.cloud_file.cloud.platform) or Platform()

    @cached_property
    def way(self) -> RootWay:
        return root_way(self.base, self.cloud_file)

    @cached_property
    def lock(self) -> Lock | None:
        text = self.catalogue.lock_text(self.cloud_file.cloud.release, self.base.python)
        return parse_lock(text) if text is not None else None

    def ancestors(self, name: str) -> list[Image]:
        """Declarations of the parent, its parent and so on; the parent itself was visited before."""
        found = []
        while (name := self.images[name][1].from_) in self.images:
            found.append(self.images[name][1])
        return found

    def packages(self, name: str, folder: ServiceFolder, image: Image) -> tuple[str, ...]:
        found = packages_for(image.packages, self.base.lists)
        if found is None and image.packages:
            family = self.base.lists[-1]
            self.problems.append(
                Problem(
                    f"image `{name}` names no packages for `{family}`",
                    folder.place("images", name, "packages"),
                    f"add a list `{family}` (empty when none is needed)",
                )
            )
        return self.texts(name, folder, "packages", found or ())

    def texts(self, name: str, folder: ServiceFolder, key: str, said: tuple[str, ...]) -> tuple[str, ...]:
        """Package names or commands; those that are templates see `base` and `platform`."""
        try:
            return tuple(render_word(text, self.base, self.platform) for text in said)
        except TemplateError as error:
            self.problems.append(Problem(f"{error.message} (image `{name}`)", folder.place("images", name, key)))
            return ()

    def python_part(self, name: str, folder: ServiceFolder, image: Image) -> frozenset[str]:
        """Distributions of this image alone: closure of its roots without what its ancestors hold."""
        if not image.python:
            return frozenset()
        if self.lock is None:
            self.problems.append(self.no_lock())
            return frozenset()
        for index, root in enumerate(image.python):
            if normalise(root) not in self.lock.distributions:
                place = folder.place("images", name, "python", index)
                what = f"distribution of the {self.cloud_file.cloud.release} lock"
                self.problems.append(self.unknown(what, normalise(root), place, self.lock.distributions))
        inherited = self.lock.closure(root for ancestor in self.ancestors(name) for root in ancestor.python)
        return self.lock.closure(image.python) - inherited

    def inherited(self, name: str, folder: ServiceFolder, image: Image) -> dict[str, Any]:
        """Users: which must be made here, and which one the parent runs as."""
        known = {user for ancestor in self.ancestors(name) for user in (ancestor.user, *ancestor.groups) if user}
        mentioned = (*((image.user,) if image.user else ()), *image.groups)
        for user in mentioned:
            if user not in self.catalogue.users:
                place = folder.place("images", name, "user" if user == image.user else "groups")
                self.problems.append(self.unknown("user", user, place, self.catalogue.users))
        users = [ancestor.user for ancestor in self.ancestors(name) if ancestor.user]
        return {
            "new_users": tuple(user for user in mentioned[:1] if image.user and user not in known),
            "new_groups": tuple(group for group in image.groups if group != "kolla" and group not in known),
            "inherited_user": users[0] if users else None,
        }

    def version(self, name: str, folder: ServiceFolder, image: Image) -> str:
        if image.python and self.lock and folder.service.kind == "openstack":
            return self.lock.distributions[normalise(image.python[0])].version
        if any(each.python for each in (image, *self.ancestors(name))):
            return self.cloud_file.cloud.release
        return self.cloud_file.cloud.base

    def no_lock(self) -> Problem:
        have = ", ".join(f"`{release}`" for release in sorted(self.catalogue.locks)) or "none"
        release, python = self.cloud_file.cloud.release, self.base.python
        place = self.cloud_file.place("release")
        if release in self.catalogue.locks:
            hint = f"`mastic lock {release} --python {python}` makes it"
            return Problem(f"release `{release}` has no lock for Python {python}", place, hint)
        return Problem(f"release `{release}` has no lock", place, f"releases with a lock: {have}")

    def unknown(self, what: str, name: str, place: Any, known: Any) -> Problem:
        near = get_close_matches(name, list(known), 1)
        hint = f"did you mean `{near[0]}`?" if near else None
        return Problem(f"no {what} `{name}`", place, hint)
