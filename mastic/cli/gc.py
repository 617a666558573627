"""`mastic gc`: let go of what no kept generation needs."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode


@click.command("gc")
@click.option("--keep", default=10, show_default=True, type=click.IntRange(min=1), help="Generations to keep.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
@click.pass_context
def command(context: click.Context, keep: int, yes: bool) -> int:
    """Remove old generations, and images and secrets' versions that no kept one needs.

    Says first what it frees. Images that any container uses stay, and those of other clouds of this state folder.
    """
    from mastic.cli.session import approved, working
    from mastic.collecting import collect, look
    from mastic.report.history_text import collection_object, collection_text

    options = options_of(context)
    with working(options) as report:
        found = look(options.where(), keep)
        sizes = {host: images.sizes for host, images in found.images.items()}
        if options.json:
            report.data(collection_object(found.surplus.generations, found.surplus.runs, sizes))
        else:
            report.data(collection_text(found.surplus.generations, found.surplus.runs, sizes))
        if found and not approved(report, yes, "Remove all this?"):
            report.say("not removed: nothing was changed")
            return int(ExitCode.USER_PROBLEM)
        if found:
            collect(found)
            report.say("removed")
    return int(ExitCode.DONE)
