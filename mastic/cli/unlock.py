"""`mastic unlock`: take the lock of a cloud from a command that hangs."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode


@click.command("unlock")
@click.argument("id")
@common_options
@click.pass_context
def command(context: click.Context, id: str) -> int:
    """Take the lock of the cloud from the command that holds it under ID.

    Whoever is told that the cloud is locked is told the id as well. Only for a command that hangs for good or whose
    machine is gone: the lock of a command that ended is free by itself. Should the command come back to life, it stops
    before its next step.
    """
    from mastic.cli.session import answering
    from mastic.returning import cloud_of

    options = options_of(context)
    with answering(options) as report:
        holder = cloud_of(options.where()).history.unlock(id)
        taken = f"taken from `mastic {holder.command}`, process {holder.pid} on `{holder.host}`, since {holder.since}"
        report.data(
            {"taken_from": holder.__dict__} if options.json else f"{taken}; `mastic resume` goes on with its run"
        )
    return int(ExitCode.DONE)
