"""`mastic secrets`: what secrets there are, and new ones in their place."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode


@click.group("secrets")
@common_options
def command() -> None:
    """Show the cloud's secrets, never their values, and rotate them."""


@command.command("list")
@common_options
@click.pass_context
def list_secrets(context: click.Context) -> int:
    """Show every secret: its type, its version and the services that have it."""
    from mastic.cli.session import answering
    from mastic.report.secrets_text import secrets_objects, secrets_text
    from mastic.rotating import known_secrets

    options = options_of(context)
    with answering(options) as report:
        found = known_secrets(options.where())
        report.data(secrets_objects(found) if options.json else secrets_text(found))
    return int(ExitCode.DONE)


@command.command("rotate")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "every", is_flag=True, help="All that can be rotated.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-verify", is_flag=True, help="Do not boot a virtual machine at the end; the other checks still run.")
@click.option("--steps", is_flag=True, help="Show every step of the plan.")
@common_options
@click.pass_context
def rotate_secrets(context: click.Context, /, names: tuple[str, ...], every: bool, yes: bool, **said: bool) -> int:
    """Make new values of secrets and bring them into force.

    Shows the plan and asks first. Accounts take turns with a second one, so that nothing is refused while their users
    move one by one. `mastic rollback` returns to the values before.
    """
    from mastic.cli.apply import summarize
    from mastic.cli.session import approval, unkept, working
    from mastic.rotating import rotate

    if bool(names) == every:
        raise click.UsageError("say either NAME or `--all`", context)
    options = options_of(context)
    with working(options, all_steps=said["steps"]) as report:
        outcome = rotate(options.where(), names, report, approval(report, yes), boot=not said["no_verify"])
        if outcome is None:
            report.say("not rotated: nothing was changed")
            return int(ExitCode.USER_PROBLEM)
        unkept(report, outcome.unkept)
        summarize(report, options)
    return int(ExitCode.DONE)
