"""`mastic drift`: what changed since the last generation, behind mastic's back."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode


@click.command("drift")
@click.option(
    "--watch", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Look again and again; Ctrl-C ends it."
)
@click.option("--quick", is_flag=True, help="Leave out the checks that jobs declare: a container for a second each.")
@common_options
@click.pass_context
def command(context: click.Context, watch: float | None, quick: bool) -> int:
    """Name everything that is no longer as the last generation left it; change nothing.

    Containers stopped, removed or made anew, files edited, volumes, records of jobs and images gone, and what jobs
    did, where they say how to tell: accounts, endpoints, bridges. `mastic apply` puts right exactly that. Exit code 2
    when something drifted.
    """
    from mastic.cli.session import answering
    from mastic.drifting import look, watching
    from mastic.report.drift_text import change_text, drift_objects, drift_text

    options = options_of(context)
    where = options.where()
    with answering(options) as report:
        number, found = look(where, not quick)
        report.data(drift_objects(found) if options.json else drift_text(found, number))
        for appeared, gone in watching(where, found, watch, not quick) if watch else ():
            shown = {"appeared": drift_objects(appeared), "gone": drift_objects(gone)}
            report.data(shown if options.json else change_text(appeared, gone))
    return int(ExitCode.PLAN_NOT_EMPTY if found else ExitCode.DONE)
