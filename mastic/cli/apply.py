"""`mastic apply`: bring the cloud to what its definition says, and prove that it works."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import click

from mastic.cli.options import Options, common_options, options_of
from mastic.errors import ExitCode, InputError, Place, Problem

if TYPE_CHECKING:
    from mastic.cli.session import Shown


@click.command("apply")
@click.argument("planfile", required=False, type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-verify", is_flag=True, help="Do not boot a virtual machine at the end; the other checks still run.")
@click.option("--auto-rollback", is_flag=True, help="When it goes wrong, return to the generation before.")
@click.option("--steps", is_flag=True, help="Show every step of the plan.")
@click.option("--only", multiple=True, metavar="SERVICE", help="Touch only this service; may be said again.")
@click.option("--allow", multiple=True, type=click.Choice(["data-loss"]), help="Volumes with data may go.")
@common_options
@click.pass_context
def command(context: click.Context, /, planfile: Path | None, steps: bool, **said: Any) -> int:
    """Bring the cloud to what its definition says, and verify it.

    Shows the plan and asks first. Broken or interrupted, it goes on where it stopped when it is run again. PLANFILE is
    a plan that `mastic plan --out` saved.
    """
    from mastic.cli.session import approval, unkept, way_back, working
    from mastic.model.goal import Goal
    from mastic.plan.saved import read_saved
    from mastic.returning import Change, apply_or_return

    options = options_of(context)
    if planfile and (said["only"] or said["allow"]):
        raise click.UsageError("a saved plan knows its own `--only` and `--allow`", context)
    saved = read_saved(text_of(planfile), str(planfile)) if planfile else None
    goal = Goal(only=said["only"], allow_data_loss="data-loss" in said["allow"])
    change = Change(goal, boot=not said["no_verify"], saved=saved)
    with working(options, all_steps=steps) as report:
        offer = way_back(report, always=said["auto_rollback"])
        outcome = apply_or_return(options.where(), change, report, approval(report, said["yes"]), offer)
        if outcome is None:
            report.say("not applied: nothing was changed")
            return int(ExitCode.USER_PROBLEM)
        unkept(report, outcome.unkept)
        summarize(report, options)
    return int(ExitCode.DONE)


def text_of(path: Path) -> str:
    """Content of a file; raises InputError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(Problem(f"cannot read the saved plan: {error}", Place(str(path)))) from None


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
