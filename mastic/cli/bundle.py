"""`mastic bundle`: a whole cloud in one archive, for machines without a network."""

from __future__ import annotations

from pathlib import Path

import click

from mastic.cli.options import Options, common_options, options_of


@click.command("bundle")
@click.argument("action", type=click.Choice(["create", "load"]))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--to", type=click.Path(path_type=Path), default=Path("bundle"), metavar="DIR",
              help="load: where catalogue and cloud definition go; default ./bundle.")  # fmt: skip
@common_options
@click.pass_context
def command(context: click.Context, action: str, file: Path, to: Path) -> None:
    """Put a cloud's images, catalogue, locks and definition into FILE, or take them out of it.

    `create` takes the images that stand (`mastic build` makes them) and signs the list of what is inside. `load`
    checks all of it against the key that is trusted here ($MASTIC_SIGNING_KEY) before anything is changed; then
    `mastic apply` works without any network.
    """
    options = options_of(context)
    if action == "create":
        create(options, file)
    else:
        load(options, file, to)


def create(options: Options, file: Path) -> None:
    from mastic.build.bundle import Contents, create_bundle
    from mastic.build.engine import find_engine
    from mastic.build.graph import image_graph
    from mastic.build.records import Records
    from mastic.build.signing import key_path, private_key
    from mastic.cli.session import answering
    from mastic.load.catalogue import load_catalogue
    from mastic.load.cloud import load_cloud
    from mastic.load.overrides import FOLDER

    catalogue, cloud_file = load_catalogue(options.catalogue), load_cloud(options.cloud)
    graph = image_graph(catalogue, cloud_file)
    shared = catalogue.shared.service.service
    contents = Contents(
        cloud_file.cloud.cloud,
        options.catalogue,
        options.cloud,
        options.cloud.parent / (cloud_file.cloud.config or FOLDER),
        tuple(node.reference for node in graph.nodes.values() if node.service != shared),
        Records(options.state / "images"),
    )
    size = create_bundle(find_engine(), contents, private_key(key_path()), file)
    told = {"file": str(file), "bytes": size, "images": list(contents.references)}
    with answering(options) as report:
        report.data(told if options.json else f"{file}: {len(contents.references)} images, {size / 1e6:.1f} MB")


def load(options: Options, file: Path, to: Path) -> None:
    from mastic.build.bundle import load_bundle
    from mastic.build.engine import find_engine
    from mastic.build.records import Records
    from mastic.build.signing import key_path, public_key
    from mastic.cli.session import answering

    loaded = load_bundle(find_engine(), file, to, Records(options.state / "images"), public_key(key_path()))
    told = {
        "cloud": loaded.cloud,
        "definition": str(loaded.definition),
        "catalogue": str(loaded.catalogue),
        "images": list(loaded.references),
    }
    text = (
        f"{len(loaded.references)} images of cloud `{loaded.cloud}` are in the engine\n"
        f"next: mastic apply --cloud {loaded.definition} --catalogue {loaded.catalogue}"
    )
    with answering(options) as report:
        report.data(told if options.json else text)
