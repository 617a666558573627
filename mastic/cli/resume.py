"""`mastic resume`: go on with a run that broke off."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode


@click.command("resume")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-verify", is_flag=True, help="Do not boot a virtual machine at the end; the other checks still run.")
@click.option("--steps", is_flag=True, help="Show every step of the plan.")
@common_options
@click.pass_context
def command(context: click.Context, yes: bool, no_verify: bool, steps: bool) -> int:
    """Go on with the last run, if it broke off or failed.

    Leads to the very state that run wanted, also when the cloud definition was changed since.
    """
    from mastic.cli.session import approval, unkept, working
    from mastic.returning import resume

    options = options_of(context)
    with working(options, all_steps=steps) as report:
        outcome = resume(options.where(), report, approval(report, yes), boot=not no_verify)
        if outcome is None:
            report.say("not resumed: nothing was changed")
            return int(ExitCode.USER_PROBLEM)
        unkept(report, outcome.unkept)
        done = report.progress.steps_done
        report.data(
            {"steps": done, "generation": outcome.generation} if options.json else f"resumed: {done} steps done"
        )
    return int(ExitCode.DONE)
