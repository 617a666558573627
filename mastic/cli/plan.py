"""`mastic plan`: what `apply` would do, read only."""

from __future__ import annotations

from pathlib import Path

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode


@click.command("plan")
@click.option("--check", is_flag=True, help="Exit with 2 when the plan is not empty.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan for `apply FILE`.")
@click.option("--steps", is_flag=True, help="Show every step.")
@click.option("--only", multiple=True, metavar="SERVICE", help="Look only at this service; may be said again.")
@click.option("--allow", multiple=True, type=click.Choice(["data-loss"]), help="Plan for volumes with data to go.")
@common_options
@click.pass_context
def command(context: click.Context, /, check: bool, steps: bool, out: Path | None, **limits: tuple[str, ...]) -> int:
    """Show what apply would do; change nothing.

    A saved plan is applied exactly as it was shown, or refused when the definition or the hosts moved since.
    """
    from mastic.cli.session import answering
    from mastic.model.goal import Goal
    from mastic.pipeline import plan

    options = options_of(context)
    with answering(options, all_steps=steps) as report:
        goal = Goal(only=limits["only"], allow_data_loss="data-loss" in limits["allow"])
        wanted = plan(options.where(), goal, report, out)
        if out:
            report.say(f"saved: `mastic apply {out}` applies exactly this plan")
    return int(ExitCode.PLAN_NOT_EMPTY if check and wanted else ExitCode.DONE)
