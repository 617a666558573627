"""`mastic build`: make images without touching a cloud."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mastic.cli.options import Options, common_options, options_of

if TYPE_CHECKING:
    from mastic.build.graph import ImageGraph
    from mastic.build.remote import Remote
    from mastic.model.cloud import Cloud
    from mastic.model.run import Event
WHOLE_CATALOGUE = "catalogue"


@click.command("build")
@click.argument("pattern", nargs=-1)
@click.option("--profile", "profiles", multiple=True, metavar="NAME", help="Images of a service or of a kind of "
              "services (openstack, infrastructure, shared); `catalogue`: every service. May be repeated.")  # fmt: skip
@click.option("--with-parents/--no-parents", "parents", default=True, help="Also what the chosen images stand on and "
              "does not stand yet; without, that is an error.")  # fmt: skip
@click.option("--list", "listing", is_flag=True, help="Only print the chosen images.")
@click.option("--tree", is_flag=True, help="Only print what stands on what.")
@click.option("--dockerfile-only", type=click.Path(path_type=Path), is_flag=False, flag_value="dockerfiles",
              metavar="[DIR]", help="Only write Dockerfiles and contexts below DIR, else ./dockerfiles.")  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(1), default=None, help="Images built at once; default from cores and memory."
)
@click.option("--verify", "verifying", is_flag=True, help="Build nothing: check ids, layers, bills of materials and "
              "signed provenance of the chosen images.")  # fmt: skip
@click.option("--push", is_flag=True, help="Push the chosen images and their records to the cloud's `registry`.")
@click.option("--anew", is_flag=True, help="Build the chosen images also when they stand, without the engine's cache.")
@common_options
@click.pass_context
def command(  # noqa: PLR0917 - one name per option
    context: click.Context,
    pattern: tuple[str, ...],
    profiles: tuple[str, ...],
    parents: bool,
    listing: bool,
    tree: bool,
    dockerfile_only: Path | None,
    jobs: int | None,
    anew: bool,
    verifying: bool,
    push: bool,
) -> int:
    """Build the images of the cloud that the engine does not have.

    PATTERN is a name, a shell pattern like 'nova-*', or a regular expression for a whole name like
    'nova-(api|compute)'. With none, and no profile, all images of the cloud. `apply` builds what it needs by itself.

    Exit code 3 when any image failed; the others are built all the same.
    """
    from mastic.build.selection import Selection

    options = options_of(context)
    everything = WHOLE_CATALOGUE in profiles
    graph, kinds, cloud = graph_of(options, everything)
    selection = Selection(pattern, tuple(name for name in profiles if name != WHOLE_CATALOGUE), parents)
    chosen = selection.of(graph, kinds)
    asked = replace(selection, parents=False).of(graph, kinds)
    if listing or tree:
        show(options, graph, chosen, tree)
        return 0
    if dockerfile_only is not None:
        return write_files(options, graph, chosen, dockerfile_only)
    if verifying:
        return verify_images(options, graph, asked)
    destination = Destination(registry_of(options, cloud), cloud.release) if push else None
    at = Workplace(options.state / cloud.cloud / "build", jobs or 0, anew, destination)
    return build(options, graph, asked, parents, at)


def registry_of(options: Options, cloud: Cloud) -> Remote:
    """Where images are pushed to; raises InputError when the cloud names no registry."""
    from mastic.build.remote import Remote
    from mastic.errors import InputError, Place, Problem

    if cloud.registry is None:
        hint = "say `registry: {address: registry.example:5000/lab}`"
        raise InputError(Problem("the cloud names no registry to push to", Place(str(options.cloud)), hint))
    return Remote(cloud.registry.address, cloud.registry.mirrors)


def graph_of(options: Options, everything: bool) -> tuple[ImageGraph, dict[str, str], Cloud]:
    """The images of the cloud (or of the whole catalogue), the kind of every service, the cloud."""
    from mastic.build.graph import image_graph
    from mastic.load.catalogue import load_catalogue
    from mastic.load.cloud import load_cloud

    catalogue, cloud_file = load_catalogue(options.catalogue), load_cloud(options.cloud)
    folders = (catalogue.shared, *catalogue.folders.values())
    kinds = {folder.service.service: folder.service.kind for folder in folders}
    if everything:
        services = tuple(catalogue.folders)
        cloud_file = replace(cloud_file, cloud=cloud_file.cloud.model_copy(update={"services": services}))
    return image_graph(catalogue, cloud_file), {**kinds}, cloud_file.cloud


def show(options: Options, graph: ImageGraph, chosen: tuple[str, ...], tree: bool) -> None:
    """Print the chosen images as a list or a tree."""
    from mastic.build.export import tree_lines
    from mastic.cli.session import answering
    from mastic.report.build_text import list_lines

    nodes = [graph.nodes[name] for name in chosen]
    with answering(options) as report:
        if options.json:
            keys = ("name", "service", "reference", "parent", "needs")
            report.data([{key: getattr(node, key) for key in keys} for node in nodes])
        else:
            report.data("\n".join(tree_lines(graph, chosen) if tree else list_lines(nodes)))


def write_files(options: Options, graph: ImageGraph, chosen: tuple[str, ...], folder: Path) -> int:
    """Write Dockerfiles and contexts."""
    from mastic.build.export import write_dockerfiles
    from mastic.cli.session import answering

    written = write_dockerfiles(graph, chosen, folder)
    with answering(options) as report:
        report.data([str(path) for path in written] if options.json else "\n".join(map(str, written)))
    return 0


def records_folder(options: Options) -> Path:
    """Where provenance and bills of materials of all clouds' images lie."""
    return options.state / "images"


def verify_images(options: Options, graph: ImageGraph, asked: tuple[str, ...]) -> int:
    """Check the images against what was signed when they were built."""
    from mastic.build.engine import find_engine
    from mastic.build.records import Records, check_images
    from mastic.build.signing import key_path, public_key
    from mastic.cli.session import answering
    from mastic.errors import BuildError

    records, key = Records(records_folder(options)), public_key(key_path())
    problems = check_images(graph, asked, find_engine().facts(), records, key)
    if problems:
        raise BuildError(problems)
    with answering(options) as report:
        references = [graph.references[name] for name in asked]
        report.data({"verified": references} if options.json else f"{len(references)} images are as they were signed")
    return 0


@dataclass(frozen=True)
class Destination:
    """Where images are pushed to."""

    remote: Remote
    release: str


@dataclass(frozen=True)
class Workplace:
    """Where and how wide the work goes on."""

    logs: Path
    jobs: int
    anew: bool
    destination: Destination | None = None


def build(options: Options, graph: ImageGraph, asked: tuple[str, ...], parents: bool, at: Workplace) -> int:
    """Build, print the references that stand and a summary."""
    from mastic.build.builder import How, require_parents, try_images
    from mastic.build.engine import find_engine
    from mastic.cli.session import working
    from mastic.errors import BuildError
    from mastic.execute.feed import ImageFeed
    from mastic.report.build_text import outcomes, summary_lines, summary_object
    from mastic.report.phase import phase

    with working(options) as report:
        if not parents:
            require_parents(graph, asked)
        with phase(report, "build"):
            summary = try_images(
                graph, asked, ImageFeed(), report.event, at.logs, How(at.jobs, at.anew, records_folder(options))
            )
        found = outcomes(graph, asked, summary, find_engine().facts(), at.logs)
        if at.destination:
            push_standing(options, at.destination, [each.reference for each in found if each.stands], report.event)
        if options.json:
            report.data(summary_object(found, summary))
        else:
            report.say("\n".join(summary_lines(found, summary)))
            report.data("\n".join(each.reference for each in found if each.stands))
        if summary.problems:
            raise BuildError(summary.problems)
    return 0


def push_standing(options: Options, where: Destination, references: list[str], tell: Callable[[Event], None]) -> None:
    """Push images with their records, under their own tag and the release's."""
    from mastic.build.engine import find_engine
    from mastic.build.records import Records
    from mastic.build.remote import Pushing, push_images

    records = Records(records_folder(options))
    push_images(Pushing(find_engine(), where.remote, where.release, records, tell), references)
