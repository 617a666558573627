"""`mastic destroy`: take everything of the cloud off its hosts."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode


@click.command("destroy")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--allow", multiple=True, type=click.Choice(["data-loss"]), help="Volumes with data go too.")
@click.option("--steps", is_flag=True, help="Show every step of the plan.")
@common_options
@click.pass_context
def command(context: click.Context, yes: bool, allow: tuple[str, ...], steps: bool) -> int:
    """Remove the cloud from its hosts.

    Volumes with data stay, and images stay, so that `apply` brings the cloud back; `--allow data-loss` removes the
    volumes as well.
    """
    from mastic.cli.session import approval, working
    from mastic.model.goal import Goal
    from mastic.pipeline import destroy

    options = options_of(context)
    goal = Goal(destroy=True, allow_data_loss="data-loss" in allow)
    with working(options, all_steps=steps) as report:
        run = destroy(options.where(), goal, report, approval(report, yes, deletes=True))
        if run is None:
            report.say("not destroyed: nothing was changed")
            return int(ExitCode.USER_PROBLEM)
        kept = "" if goal.allow_data_loss else "; volumes with data stay (`--allow data-loss` removes them)"
        report.say(f"destroyed: {report.progress.steps_done} steps done{kept}")
        if options.json:
            report.data({"steps": report.progress.steps_done, "volumes_kept": not goal.allow_data_loss})
    return int(ExitCode.DONE)
