"""Images of the catalogue + the operator's folder → images as the operator wants them; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

from mastic.build.kinds import Declared, packages_for
from mastic.errors import Place, Problem, did_you_mean
from mastic.model.catalogue import Catalogue, Own, ServiceFolder
from mastic.model.customise import ImageChange, ListChange, OwnImage
from mastic.model.service import Image, Service

OWN = "own"
"""Where the operator's files lie among the catalogue's."""
DEFAULT_TEMPLATE = "Dockerfile.j2"


@dataclass
class Customised:
    """The images after the operator's changes."""

    images: Declared
    added: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)


def customised(catalogue: Catalogue, images: Declared, own: Own, lists: tuple[str, ...]) -> Customised:
    """Every change applied; a name that matches nothing is a problem."""
    found = Customised(dict(images))
    for name, change in own.spec.change.items():
        if name not in images:
            hint = did_you_mean(name, images) or f"`add` makes images; known: {', '.join(sorted(images))}"
            found.problems.append(Problem(f"there is no image `{name}` to change", own.place("change", name), hint))
            continue
        found.images[name] = changed(Changing(catalogue, own, name, found.problems), *images[name], change, lists)
    for name, added in own.spec.add.items():
        found.problems += own_problems(catalogue, own, name, added, images)
        found.images[name] = (own_folder(own), plain(added))
    found.added = tuple(own.spec.add)
    return found


@dataclass(frozen=True)
class Changing:
    """One image that is being changed."""

    catalogue: Catalogue
    own: Own
    name: str
    problems: list[Problem]

    def place(self, *keys: str | int) -> Place:
        return self.own.place("change", self.name, *keys)

    def list_of(self, key: str, before: tuple[str, ...], change: ListChange) -> tuple[str, ...]:
        """A list after its change."""
        now = list(before if change.replace is None else change.replace)
        for index, name in enumerate(change.remove):
            if name in now:
                now.remove(name)
                continue
            hint = did_you_mean(name, now) or f"it has: {', '.join(now) or 'nothing'}"
            what = f"`{key}` of image `{self.name}` has no `{name}` to remove"
            self.problems.append(Problem(what, self.place(key, "remove", index), hint))
        for index, name in enumerate(change.add):
            if name in now:
                what = f"`{key}` of image `{self.name}` has `{name}` already"
                self.problems.append(Problem(what, self.place(key, "add", index), "remove the line"))
            now.append(name)
        return tuple(now)


def changed(
    changing: Changing, folder: ServiceFolder, image: Image, change: ImageChange, lists: tuple[str, ...]
) -> tuple[ServiceFolder, Image]:
    """An image and its folder after the operator's change."""
    now: dict[str, Any] = {
        "packages": packages_of(changing, image, change, lists),
        "python": changing.list_of("python", image.python, change.python),
        "run": changing.list_of("run", image.run, change.run),
        "environment": image.environment | change.environment,
        "copy_": image.copy_ | {f"{OWN}/files/{name}": target for name, target in change.files.items()},
    }
    files = folder.image_files | {f"{OWN}/{name}": content for name, content in changing.own.files.items()}
    if change.template:
        now["template"] = f"{OWN}/{change.template}"
    if change.blocks:
        base = now.get("template") or image.template or DEFAULT_TEMPLATE
        text = changing.own.files[change.blocks].decode()
        templates = changing.catalogue.shared.image_files | files
        place = Place(str(changing.own.path.parent / change.blocks))
        changing.problems.extend(block_problems(text, base, templates, place))
        now["template"] = f"{OWN}/{changing.name}.blocks.j2"
        files[now["template"]] = f'{{% extends "{base}" %}}{text}'.encode()
    return replace(folder, image_files=files), image.model_copy(update=now)


def packages_of(
    changing: Changing, image: Image, change: ImageChange, lists: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    before = packages_for(image.packages, lists)
    now = changing.list_of("packages", before or (), change.packages)
    return {**image.packages, lists[0]: now} if now or before is not None else image.packages


def block_problems(text: str, base: str, templates: dict[str, bytes], place: Place) -> Iterator[Problem]:
    """Blocks that the template does not have: Jinja would leave them out without a word."""
    known = set(blocks_of(templates.get(base, b"").decode()))
    try:
        said = blocks_of(text)
    except TemplateSyntaxError as error:
        yield Problem(f"the template cannot be read: {error.message}", Place(place.where, error.lineno))
        return
    for name, line in said.items():
        if name not in known:
            hint = did_you_mean(name, known) or f"it has: {', '.join(sorted(known)) or 'none'}"
            yield Problem(f"`{base}` has no block `{name}`", Place(place.where, line), hint)


def blocks_of(text: str) -> dict[str, int]:
    """Blocks of a template and their lines."""
    return {block.name: block.lineno for block in Environment(autoescape=False).parse(text).find_all(nodes.Block)}


def own_folder(own: Own) -> ServiceFolder:
    """The operator's own images as a folder of the catalogue."""
    lines = {("images", *keys[1:]): line for keys, line in own.lines.items() if keys[:1] == ("add",)}
    files = {name.removeprefix("files/"): content for name, content in own.files.items()}
    service = Service(service=OWN, summary="The operator's own images", kind="shared", images={})
    return ServiceFolder(service, own.path.parent, lines, {}, files, own.path.name)


def plain(added: OwnImage) -> Image:
    """An own image as any other."""
    return Image.model_validate(added.model_dump(by_alias=True, exclude={"workloads"}, exclude_unset=True))


def own_problems(catalogue: Catalogue, own: Own, name: str, added: OwnImage, images: Declared) -> Iterator[Problem]:
    """An own image whose name is taken, or that workloads are to run which do not exist."""
    if name in images:
        yield Problem(f"there is an image `{name}` already", own.place("add", name), "change it under `change`")
    workloads = {each for folder in catalogue.folders.values() for each in folder.service.workloads}
    for index, workload in enumerate(added.workloads):
        if workload not in workloads:
            hint = did_you_mean(workload, workloads)
            yield Problem(f"there is no workload `{workload}`", own.place("add", name, "workloads", index), hint)
