"""`mastic status`: what runs, since when, and why not."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of


@click.command("status")
@click.argument("service", nargs=-1)
@common_options
@click.pass_context
def command(context: click.Context, service: tuple[str, ...]) -> None:
    """Show what runs, since when, and why not.

    With SERVICE only the workloads of these services.
    """
    from mastic.cli.session import answering
    from mastic.pipeline import survey
    from mastic.report.status_text import status_objects, status_rows, status_text

    options = options_of(context)
    with answering(options) as report:
        situation = survey(options.where())
        rows = status_rows(situation.desired, situation.observed)
        shown = [row for row in rows if not service or row.service in service]
        report.data(status_objects(shown) if options.json else status_text(shown))
