"""`mastic show`: what a generation holds."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode


@click.command("show")
@click.argument("generation", type=int, metavar="GEN")
@click.option("--definition", is_flag=True, help="Only the cloud definition of then, as it was.")
@common_options
@click.pass_context
def command(context: click.Context, generation: int, definition: bool) -> int:
    """Show what stood after generation GEN: images, files, secrets' versions, and the cloud definition of then."""
    from mastic.cli.session import answering
    from mastic.report.history_text import generation_object, generation_text
    from mastic.returning import cloud_of

    options = options_of(context)
    with answering(options) as report:
        found = cloud_of(options.where()).history.generation(generation)
        if definition:
            report.data(found.intent.cloud_file.rstrip("\n"))
        else:
            report.data(generation_object(found) if options.json else generation_text(found))
    return int(ExitCode.DONE)
