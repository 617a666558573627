"""`mastic recover`: rebuild a lost controller's state from a host."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode


@click.command("recover")
@click.argument("cloud_name", required=False, metavar="[CLOUD]")
@click.option("--from", "host", required=True, metavar="HOST", help="A host of the cloud.")
@common_options
@click.pass_context
def command(context: click.Context, cloud_name: str | None, host: str) -> int:
    """Rebuild the state of a lost controller from the copy that HOST keeps.

    CLOUD is the cloud's name; without it the cloud definition says it. A missing definition is written as the last
    generation has it. The vault password is not kept on hosts: put it back from where you keep it.
    """
    from mastic.cli.session import answering
    from mastic.report.history_text import recovered_text
    from mastic.returning import recover

    options = options_of(context)
    with answering(options) as report:
        site, latest = recover(options.where(), host, cloud_name)
        number = latest.head.number if latest else None
        if options.json:
            report.data({"state": str(site.state), "generation": number})
        else:
            password = None if options.vault_password.exists() else options.vault_password
            report.data(recovered_text(site.state, number, password))
    return int(ExitCode.DONE)
