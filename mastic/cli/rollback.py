"""`mastic rollback`: return to what stood after an earlier generation."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode


@click.command("rollback")
@click.argument("generation", type=int, required=False, metavar="[GEN]")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--steps", is_flag=True, help="Show every step of the plan.")
@click.option("--allow", multiple=True, type=click.Choice(["data-loss"]), help="Volumes of later generations may go.")
@common_options
@click.pass_context
def command(context: click.Context, generation: int | None, yes: bool, steps: bool, allow: tuple[str, ...]) -> int:
    """Return to what stood after generation GEN, by default the one before.

    Shows the plan and asks first. Neither the cloud definition nor the catalogue is read, and neither is changed.
    """
    from mastic.cli.session import approval, working
    from mastic.model.goal import Goal
    from mastic.report.history_text import returned_text
    from mastic.returning import rollback

    options = options_of(context)
    goal = Goal(allow_data_loss="data-loss" in allow)
    with working(options, all_steps=steps) as report:
        head = rollback(options.where(), generation, goal, report, approval(report, yes))
        if head is None:
            report.say("not returned: nothing was changed")
            return int(ExitCode.USER_PROBLEM)
        report.data({"generation": head.number, "command": head.command} if options.json else returned_text(head))
    return int(ExitCode.DONE)
