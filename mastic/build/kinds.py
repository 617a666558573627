"""Images as they are declared → images as the cloud wants them: of Python distributions or of the base's packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mastic.errors import Problem, did_you_mean
from mastic.model.catalogue import Catalogue, CloudFile, ServiceFolder
from mastic.model.service import Image

Declared = dict[str, tuple[ServiceFolder, Image]]


def as_wanted(images: Declared, cloud_file: CloudFile, lists: tuple[str, ...]) -> tuple[Declared, list[Problem]]:
    """Every image in the kind of its service, and what cannot be had in that kind."""
    found: Declared = {}
    problems = []
    for name, (folder, image) in images.items():
        found[name] = (folder, image)
        if cloud_file.cloud.kind_of(folder.service.service) == "source" or folder.service.kind == "shared":
            continue
        if image.binary:
            found[name] = (folder, as_binary(image, lists))
        elif image.python and folder.service.service in cloud_file.cloud.services:
            problems.append(no_binary(name, folder))
    return found, problems


def packages_for(packages: Mapping[str, tuple[str, ...]], lists: tuple[str, ...]) -> tuple[str, ...] | None:
    """The packages under the first of `lists` that is there; None when none is."""
    return next((packages[key] for key in lists if key in packages), None)


def as_binary(image: Image, lists: tuple[str, ...]) -> Image:
    """The image made of packages."""
    variant = image.binary
    assert variant
    packages = (packages_for(image.packages, lists) or ()) + (packages_for(variant.packages, lists) or ())
    return image.model_copy(
        update={
            "from_": variant.from_ or image.from_,
            "packages": {lists[0]: packages},
            "run": image.run if variant.run is None else variant.run,
            "environment": image.environment if variant.environment is None else variant.environment,
            "python": (),
        }
    )


def no_binary(name: str, folder: ServiceFolder) -> Problem:
    service = folder.service.service
    return Problem(
        f"image `{name}` cannot be made of the distribution's packages",
        folder.place("images", name),
        f"say `kinds: {{{service}: source}}` in cloud.yml, or give the image a `binary`",
    )


def kind_problems(catalogue: Catalogue, cloud_file: CloudFile) -> Iterator[Problem]:
    """Services that are not chosen, and a release that the base's packages are not of."""
    cloud = cloud_file.cloud
    for service in cloud.kinds:
        if service not in cloud.services:
            hint = did_you_mean(service, cloud.services)
            yield Problem(
                f"`kinds` names `{service}`, which is not among `services`", cloud_file.place("kinds", service), hint
            )
    folders = [catalogue.folders[name] for name in cloud.services if name in catalogue.folders]
    binary = [each.service.service for each in folders if is_binary(each, cloud_file)]
    has = catalogue.base(cloud.base).binary
    if binary and has != cloud.release:
        what = f"release {has}" if has else "no release that mastic knows"
        hint = f'say `release: "{has}"`, or `kind: source`' if has else "say `kind: source`, or choose another base"
        message = f"the packages of `{cloud.base}` are {what} of OpenStack, the cloud is {cloud.release}"
        yield Problem(message, cloud_file.place("kind" if cloud.kind == "binary" else "kinds"), hint)


def is_binary(folder: ServiceFolder, cloud_file: CloudFile) -> bool:
    has_variant = any(image.binary for image in folder.service.images.values())
    return has_variant and cloud_file.cloud.kind_of(folder.service.service) == "binary"
