"""`mastic apply`: bring the cloud to what its definition says, and prove that it works."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import click

from mastic.cli.options import Options, common_options, options_of
from mastic.errors import ExitCode

if TYPE_CHECKING:
    from mastic.cli.session import Shown


@click.command("apply")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-verify", is_flag=True, help="Do not boot a virtual machine at the end; the other checks still run.")
@click.option("--steps", is_flag=True, help="Show every step of the plan.")
@click.option("--only", multiple=True, metavar="SERVICE", help="Touch only this service; may be said again.")
@click.option("--allow", multiple=True, type=click.Choice(["data-loss"]), help="Volumes with data may go.")
@common_options
@click.pass_context
def command(context: click.Context, /, yes: bool, no_verify: bool, steps: bool, **limits: tuple[str, ...]) -> int:
    """Bring the cloud to what its definition says, and verify it.

    Shows the plan and asks first. Broken or interrupted, it goes on where it stopped when it is run again.
    """
    from mastic.cli.session import approval, working
    from mastic.model.goal import Goal
    from mastic.pipeline import apply

    options = options_of(context)
    goal = Goal(only=limits["only"], allow_data_loss="data-loss" in limits["allow"])
    with working(options, all_steps=steps) as report:
        run = apply(options.where(), goal, report, approval(report, yes), boot=not no_verify)
        if run is None:
            report.say("not applied: nothing was changed")
            return int(ExitCode.USER_PROBLEM)
        summarize(report, options)
    return int(ExitCode.DONE)


def summarize(report: Shown, options: Options) -> None:
    """End with what stands and what to type next."""
    from mastic.report.summary import Commands, summary_object, summary_text

    desired = report.progress.desired
    if desired is None:
        return
    state = options.state / desired.cloud
    if options.json:
        report.data(summary_object(report.progress, desired, state))
        return
    commands = Commands(f"{typed('mastic')} --cloud {options.cloud}", typed("openstack"))
    report.data(summary_text(report.progress, desired, state, commands))


def typed(program: str) -> str:
    """How a program of mastic's environment is called: by its name when the shell finds it."""
    beside = Path(sys.executable).parent / program
    return program if which(program) or not beside.exists() else str(beside)
