"""`mastic build`: make images without touching a cloud."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import InputError, Problem


@click.command("build")
@click.argument("image", nargs=-1)
@common_options
@click.pass_context
def command(context: click.Context, image: tuple[str, ...]) -> None:
    """Build the images of the cloud that the engine does not have.

    With IMAGE only these and what they stand on. `apply` builds what it needs by itself.
    """
    from mastic.build.builder import build_images
    from mastic.build.graph import image_graph
    from mastic.cli.session import working
    from mastic.execute.feed import ImageFeed
    from mastic.load.catalogue import load_catalogue
    from mastic.load.cloud import load_cloud
    from mastic.pipeline import phase

    options = options_of(context)
    with working(options) as report:
        cloud_file = load_cloud(options.cloud)
        graph = image_graph(load_catalogue(options.catalogue), cloud_file)
        wanted = chosen(image, tuple(graph.references))
        with phase(report, "build"):
            logs = options.state / cloud_file.cloud.cloud / "build"
            build_images(graph, wanted, ImageFeed(), report.event, logs)
        references = {name: graph.references[name] for name in wanted}
        report.data(references if options.json else "\n".join(references.values()))


def chosen(asked: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    """The images asked for, or all.

    Raises InputError with every name that is not an image of the cloud.
    """
    wrong = [name for name in asked if name not in known]
    if wrong:
        hint = f"images of this cloud: {', '.join(sorted(known))}"
        raise InputError([Problem(f"no image `{name}` in this cloud", hint=hint) for name in wrong])
    return asked or known
