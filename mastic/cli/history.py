"""`mastic history`: every generation of the cloud."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode


@click.command("history")
@common_options
@click.pass_context
def command(context: click.Context) -> int:
    """Show every generation: what was changed, when, by whom, and whether the checks passed."""
    from mastic.cli.session import answering
    from mastic.report.history_text import heads_objects, heads_text, unfinished_text
    from mastic.returning import cloud_of

    options = options_of(context)
    with answering(options) as report:
        history = cloud_of(options.where()).history
        heads, left = history.heads(), history.unfinished()
        report.data(heads_objects(heads) if options.json else heads_text(heads))
        if left:
            report.say(
                unfinished_text(
                    left.id, left.command, len(left.done), len(left.failed), len(left.open), can_return=bool(heads)
                )
            )
    return int(ExitCode.DONE)
