"""One image's declaration → Dockerfile text and build context, through the catalogue's Jinja templates; pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError

from mastic.build.epoch import EPOCH
from mastic.build.source_layer import INSTALL_SOURCE, Additions, source_context
from mastic.errors import Place, Problem
from mastic.model.base import Base, Platform
from mastic.model.catalogue import Catalogue, ServiceFolder
from mastic.model.service import Image

DEFAULT_TEMPLATE = "Dockerfile.j2"
FILES = "files"
"""Folder of the build context that mirrors the image's file system."""
CONTEXT = "context"
"""Folder of the build context that is only mounted while the image is built."""


@dataclass(frozen=True)
class Rendering:
    """All that one Dockerfile is made from."""

    name: str
    folder: ServiceFolder
    image: Image
    catalogue: Catalogue
    parent: str
    reference: Callable[[str], str]
    """Name of another image → its reference; makes that image a build need."""
    requirements: str
    packages: tuple[str, ...]
    run: tuple[str, ...]
    release: str
    base: Base
    platform: Platform
    additions: Additions = field(default_factory=Additions)
    """Distributions that come from somewhere else than the lock, and patches."""
    new_users: tuple[str, ...] = ()
    new_groups: tuple[str, ...] = ()
    inherited_user: str | None = None


def render_dockerfile(rendering: Rendering) -> tuple[str, dict[str, bytes], list[Problem]]:
    """Dockerfile text, context (path → content), problems found."""
    context, problems = copied_files(rendering)
    if rendering.requirements:
        context[f"{CONTEXT}/requirements.txt"] = rendering.requirements.encode()
    if rendering.image.snapshot:
        text = json.dumps(rendering.image.snapshot.model_dump(mode="json"), indent=1, sort_keys=True)
        context[f"{CONTEXT}/snapshot.json"] = text.encode()
    context |= source_context(rendering.additions)
    templates = image_templates(rendering)
    template = rendering.image.template or DEFAULT_TEMPLATE
    if template not in templates:
        place = rendering.folder.place("images", rendering.name, "template")
        return "", {}, [*problems, Problem(f"no template `{template}`", place, "it belongs under `image/`")]
    try:
        text = environment(templates).get_template(template).render(names(rendering, context))
    except TemplateError as error:
        return "", {}, [*problems, template_problem(rendering, template, error)]
    problems += unused_sources(rendering, template, context)
    return text.rstrip() + "\n", context, problems


def unused_sources(rendering: Rendering, template: str, context: dict[str, bytes]) -> list[Problem]:
    """A template of its own that does not install what the operator adds."""
    if f"{CONTEXT}/{INSTALL_SOURCE}" in context or not rendering.additions:
        return []
    names = ", ".join(f"`{name}`" for name in rendering.additions.names())
    message = f"Dockerfile template `{template}` of image `{rendering.name}` does not install {names}"
    place = rendering.additions.place()
    return [Problem(message, place, "it must run `install-source` as the shared `Dockerfile.j2` does")]


def copied_files(rendering: Rendering) -> tuple[dict[str, bytes], list[Problem]]:
    """The declared `copy` files, under the path they will have in the image."""
    sources = rendering.catalogue.shared.image_files | rendering.folder.image_files
    context: dict[str, bytes] = {}
    problems = []
    for name, target in rendering.image.copy_.items():
        if name in sources:
            context[FILES + str(PurePosixPath("/") / target)] = sources[name]
        else:
            place = rendering.folder.place("images", rendering.name, "copy", name)
            problems.append(Problem(f"no file `{name}` under `image/`", place, "add the file or remove the line"))
    return context, problems


def image_templates(rendering: Rendering) -> dict[str, str]:
    """Templates of the service's own `image/` folder before the shared ones."""
    files = rendering.catalogue.shared.image_files | rendering.folder.image_files
    return {name: content.decode() for name, content in files.items() if name.endswith(".j2")}


def environment(sources: dict[str, str]) -> Environment:
    """The same for the same templates: most images share them, and compiling is what takes time."""
    return _environment(tuple(sorted(sources.items())))


@cache
def _environment(sources: tuple[tuple[str, str], ...]) -> Environment:
    return Environment(
        loader=DictLoader(dict(sources)), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def names(rendering: Rendering, context: dict[str, bytes]) -> dict[str, Any]:
    """What a Dockerfile template sees."""
    image, users = rendering.image, rendering.catalogue.users
    files = rendering.catalogue.shared.image_files | rendering.folder.image_files

    def file(name: str) -> str:
        """Put a file of `image/` into the context; its path while `/context` is mounted."""
        if name not in files:
            raise UndefinedError(f"no file `{name}` under `image/`")
        context[f"{CONTEXT}/{name}"] = files[name]
        return f"/context/{name}"

    uid, gid = users.get(image.user or "", (0, 0))
    return {
        "name": rendering.name,
        "parent": rendering.parent,
        "image": rendering.reference,
        "file": file,
        "packages": rendering.packages,
        "base": rendering.base,
        "platform": rendering.platform,
        "python": "python3" if rendering.base.interpreter == "/usr/bin/python3" else rendering.base.interpreter,
        "requirements": rendering.requirements,
        "sources": rendering.additions.names(),
        "user": image.user,
        "inherited_user": rendering.inherited_user,
        "uid": uid,
        "gid": gid,
        "users": users,
        "groups": image.groups,
        "new_users": rendering.new_users,
        "new_groups": rendering.new_groups,
        "copies": sorted({str(PurePosixPath(path).parent)[len(FILES) :] for path in context if path.startswith(FILES)}),
        "run": rendering.run,
        "environment": image.environment,
        "tools": image.tools,
        "snapshot": image.snapshot,
        "release": rendering.release,
        "epoch": EPOCH,
    }


def template_problem(rendering: Rendering, template: str, error: TemplateError) -> Problem:
    """Where a template went wrong: the file and line when Jinja knows it."""
    owner = rendering.folder if template in rendering.folder.image_files else rendering.catalogue.shared
    line = error.lineno if isinstance(error, TemplateSyntaxError) else raised_at(error)
    place = Place(str(owner.path / "image" / template), line)
    return Problem(
        f"{error.message} (image `{rendering.name}`)", place, "names a template sees: ARCHITECTURE.md, Images"
    )


def raised_at(error: TemplateError) -> int | None:
    """Line of the innermost template frame."""
    line, frame = None, error.__traceback__
    while frame:
        if frame.tb_frame.f_code.co_filename == "<template>":
            line = frame.tb_lineno
        frame = frame.tb_next
    return line
