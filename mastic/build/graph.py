"""Catalogue + Cloud → ImageGraph: every image with its Dockerfile, context and digest reference; pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mastic.build.bases import ROOT_TEMPLATE, SEED, base_problems, built_for
from mastic.build.bootstrap import Bootstrap, root_command
from mastic.build.customise import customised
from mastic.build.declarations import Declarations
from mastic.build.dockerfile import Rendering, render_dockerfile
from mastic.build.epoch import EPOCH
from mastic.build.kinds import as_wanted, kind_problems
from mastic.build.source_layer import additions_of, patch_problems, source_problems
from mastic.errors import InputError, Problem
from mastic.model.catalogue import Catalogue, CloudFile, ServiceFolder
from mastic.model.service import Image

LAYER_FORMAT = 2
"""Raised when the builder makes other layers of the same inputs."""
BUILDER = f"mastic layers/{LAYER_FORMAT}"
"""What a layer says it was made by: not mastic's version, which changes more often than layers do."""
SCRATCH = "scratch"
"""Parent of images that stand on nothing."""


@dataclass(frozen=True)
class ImageNode:
    """One image as it will be built."""

    name: str
    service: str
    reference: str
    """`mastic/<name>:<digest of every input>`."""
    parent: str | None
    needs: tuple[str, ...]
    """Names of the images that must exist first, the parent included."""
    dockerfile: str = field(default="", repr=False)
    context: dict[str, bytes] = field(default_factory=dict, repr=False)
    """Path in the build context → content."""
    tools: tuple[str, ...] = ()
    """Programs of the building machine that the builder adds to the context."""
    max_age_hours: int | None = None
    bootstrap: Bootstrap | None = None
    version: str = ""
    """Of the project an image is for, else of the release, else of the distribution."""
    archive: Path | None = None
    """A root file system in a tar, which is imported as it is."""
    platform: str | None = None
    """Processor it is built for, when it is not the default."""
    flat: bool = False
    """All files become one layer, whatever it was made from: a root."""


@dataclass(frozen=True)
class ImageGraph:
    """Images by name, parents first."""

    nodes: dict[str, ImageNode]
    suite: str | None = None
    """Release of the distribution whose archive the building machine's own mirrors are asked for."""

    @cached_property
    def references(self) -> dict[str, str]:
        return {name: node.reference for name, node in self.nodes.items()}

    def with_ancestors(self, wanted: tuple[str, ...]) -> tuple[ImageNode, ...]:
        """The wanted images and all they need, in an order in which they can be built."""
        found: set[str] = set()
        waiting = list(wanted)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.nodes[name].needs
        return tuple(node for name, node in self.nodes.items() if name in found)


def image_graph(catalogue: Catalogue, cloud_file: CloudFile) -> ImageGraph:
    """The images of the chosen services and all that these stand on.

    Raises InputError with every problem found: missing parent, cycle, name said twice, unknown user, distribution
    without lock entry, missing file, undefined name in a template.
    """
    images, problems = declared(catalogue)
    images, more = as_wanted(images, cloud_file, catalogue.base(cloud_file.cloud.base).lists)
    problems += [*more, *kind_problems(catalogue, cloud_file), *base_problems(catalogue, cloud_file)]
    mine = customised(catalogue, images, cloud_file.own, catalogue.base(cloud_file.cloud.base).lists)
    walk = Walk(catalogue, cloud_file, mine.images, [*problems, *mine.problems])
    for name in mine.added:
        walk.visit(name, ())
    for service in cloud_file.cloud.services:
        folder = catalogue.folders.get(service)  # an unknown service is the loader's problem to tell
        for name in folder.service.images if folder else ():
            walk.visit(name, ())
    walk.problems += source_problems(cloud_file, walk.lock, walk.installed)
    walk.problems += patch_problems(cloud_file, walk.lock, walk.installed)
    if walk.problems:
        raise InputError(dict.fromkeys(walk.problems))
    return ImageGraph(walk.nodes, walk.base.suite if walk.base.distro == "debian" else None)


def declared(catalogue: Catalogue) -> tuple[dict[str, tuple[ServiceFolder, Image]], list[Problem]]:
    """Every image of the catalogue by name, and a problem for each name said twice."""
    found: dict[str, tuple[ServiceFolder, Image]] = {}
    problems = []
    for folder in (catalogue.shared, *catalogue.folders.values()):
        for name, image in folder.service.images.items():
            if name in found and found[name][0] is not folder:
                first = found[name][0].service.service
                problems.append(
                    Problem(
                        f"image `{name}` is declared by `{first}` and by `{folder.service.service}`",
                        folder.place("images", name),
                        "give one of them another name",
                    )
                )
            found.setdefault(name, (folder, image))
    return found, problems


@dataclass
class Walk(Declarations):
    """Visits images depth first; a node is made when all it needs is made."""

    nodes: dict[str, ImageNode] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    installed: set[str] = field(default_factory=set)
    """Distributions that some image installs from the lock."""

    def visit(self, name: str, path: tuple[str, ...]) -> ImageNode | None:
        """The node of an image; None (and a problem on record) when it cannot be made."""
        if name in self.nodes or name in self.failed:
            return self.nodes.get(name)
        folder, image = self.images[name]
        if name in path:
            chain = " → ".join((*path[path.index(name) :], name))
            self.problems.append(
                Problem(
                    f"images need each other in a circle: {chain}", folder.place("images", name), "break the circle"
                )
            )
            return None
        before = len(self.problems)
        node = self.make(name, folder, image, (*path, name))
        if node is None or len(self.problems) > before:
            self.failed.add(name)
            return None
        self.nodes[name] = node
        return node

    def make(self, name: str, folder: ServiceFolder, image: Image, path: tuple[str, ...]) -> ImageNode | None:
        before = len(self.problems)
        parent = self.parent(name, folder, image, path)
        if parent is None and image.from_ != SCRATCH:
            return None
        if image.bootstrap and self.way.kind == "mmdebstrap":
            return self.root(name, folder, image)
        seed = None
        if image.bootstrap:
            image, seed = image.model_copy(update={"template": ROOT_TEMPLATE}), self.seed()
        own = self.python_part(name, folder, image)
        self.installed |= own
        additions = additions_of(self.cloud_file, self.lock, name, own)
        needs: list[str] = [each.name for each in (parent, seed) if each]

        def reference(other: str) -> str:
            if other not in self.images:
                self.problems.append(self.unknown("image", other, folder.place("images", name), self.images))
                return ""
            node = self.visit(other, path)
            needs.append(other)
            return node.reference if node else ""

        packages, users = self.packages(name, folder, image), self.inherited(name, folder, image)
        if len(self.problems) > before:  # a template would only repeat what is wrong
            return None
        rendering = Rendering(
            name=name,
            folder=folder,
            image=image,
            catalogue=self.catalogue,
            parent=parent.reference if parent else self.way.image if image.bootstrap else SCRATCH,
            reference=reference,
            requirements=self.lock.requirements(own) if self.lock else "",
            additions=additions,
            packages=packages,
            run=self.texts(name, folder, "run", image.run),
            release=self.cloud_file.cloud.release,
            base=self.base,
            platform=self.platform,
            **users,
        )
        dockerfile, context, problems = render_dockerfile(rendering)
        self.problems += problems
        platform = built_for(self.cloud_file)
        if platform:
            dockerfile = f"# for {platform}\n{dockerfile}"
        return ImageNode(
            name=name,
            service=folder.service.service,
            reference=f"mastic/{name}:{digest(dockerfile, context)}",
            parent=parent.name if parent else None,
            needs=tuple(dict.fromkeys(needs)),
            dockerfile=dockerfile,
            context=context,
            tools=image.tools,
            max_age_hours=image.max_age_hours,
            version=self.version(name, folder, image),
            platform=platform,
            flat=image.bootstrap,
        )

    def seed(self) -> ImageNode | None:
        """The image that a given tar becomes; None when the root comes from a registry."""
        if self.way.kind == "tar" and SEED not in self.nodes:
            archive = self.cloud_file.root_archive
            path = archive.path if archive else None
            self.nodes[SEED] = ImageNode(SEED, "shared", self.way.image, None, (), archive=path)
        return self.nodes.get(SEED)

    def parent(self, name: str, folder: ServiceFolder, image: Image, path: tuple[str, ...]) -> ImageNode | None:
        if image.from_ == SCRATCH:
            return None
        if image.from_ not in self.images:
            place = folder.place("images", name, "from")
            self.problems.append(self.unknown("image", image.from_, place, self.images))
            return None
        return self.visit(image.from_, path)

    def root(self, name: str, folder: ServiceFolder, image: Image) -> ImageNode:
        architecture = self.platform.debian if built_for(self.cloud_file) else None
        recipe = Bootstrap(self.base.family, self.base.suite, self.packages(name, folder, image), architecture)
        text = json.dumps(root_command(recipe, "sources"))
        return ImageNode(
            name,
            folder.service.service,
            f"mastic/{name}:{digest(text, {})}",
            None,
            (),
            bootstrap=recipe,
            version=self.cloud_file.cloud.base,
        )


def digest(dockerfile: str, context: dict[str, bytes]) -> str:
    """First 16 hex digits over the Dockerfile (it names parent and needs by their digests) and every file."""
    total = hashlib.sha256(f"layers {LAYER_FORMAT} {EPOCH}\n{dockerfile}".encode())
    for path in sorted(context):
        total.update(f"\0{path}\0{len(context[path])}\0".encode() + context[path])
    return total.hexdigest()[:16]
