"""A cloud's base, platform and root → what Dockerfiles are rendered with, and what cannot be had; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from jinja2 import Environment, StrictUndefined

from mastic.errors import Problem, did_you_mean
from mastic.model.base import Base, Platform
from mastic.model.catalogue import Catalogue, CloudFile

DEFAULT_PLATFORM = "linux/amd64"
ROOT_TEMPLATE = "root.Dockerfile.j2"
"""What a root is made with when it does not come from mmdebstrap."""
SEED = "seed"
"""Image that a given tar is imported as."""
WORDS = Environment(undefined=StrictUndefined, autoescape=False)


@dataclass(frozen=True)
class RootWay:
    """Where the first root file system comes from."""

    kind: Literal["mmdebstrap", "registry", "tar"]
    image: str = ""
    """Reference of the image that packages are installed on."""


def root_way(base: Base, cloud_file: CloudFile) -> RootWay:
    """The cloud's own way, or the base's."""
    said = cloud_file.cloud.root or ("mmdebstrap" if base.bootstrap or not base.image else f"registry:{base.image}")
    kind, _, what = said.partition(":")
    if kind == "registry":
        return RootWay("registry", what)
    if kind == "tar" and cloud_file.root_archive:
        return RootWay("tar", f"mastic/{SEED}:{cloud_file.root_archive.digest[:16]}")
    return RootWay("mmdebstrap")


def built_for(cloud_file: CloudFile) -> str | None:
    """The platform, when it is not the default."""
    platform = cloud_file.cloud.platform
    return None if platform == DEFAULT_PLATFORM else platform


def render_word(text: str, base: Base, platform: Platform) -> str:
    """A package name or command that may depend on base and platform; raises TemplateError."""
    if "{{" not in text and "{%" not in text:
        return text
    return " ".join(WORDS.from_string(text).render(base=base, platform=platform).split())


def base_problems(catalogue: Catalogue, cloud_file: CloudFile) -> Iterator[Problem]:
    """A base that does not exist, that has no root, or whose packages cannot do what a chosen service needs."""
    name, known = cloud_file.cloud.base, catalogue.bases.bases
    place = cloud_file.place("base")
    if known and name not in known:
        hint = did_you_mean(name, known) or f"bases: {', '.join(known)}"
        yield Problem(f"no base `{name}`", place, hint)
        return
    base = catalogue.base(name)
    if base.distro != "debian" and root_way(base, cloud_file).kind == "mmdebstrap":
        hint = "say `root: registry:IMAGE` or `root: tar:FILE` in cloud.yml"
        yield Problem(f"there is no root file system for `{name}` that mastic could make", place, hint)
    for service in cloud_file.cloud.services:
        folder = catalogue.folders.get(service)
        for capability in folder.service.provides if folder else ():
            if capability in base.lacks:
                why = f"`{service}` does not work on `{name}`: {base.lacks[capability]}"
                yield Problem(why, place, "choose another base")
