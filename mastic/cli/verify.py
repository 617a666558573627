"""`mastic verify`: prove that the cloud works."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of


@click.command("verify")
@click.option("--no-boot", is_flag=True, help="Leave out the virtual machine.")
@common_options
@click.pass_context
def command(context: click.Context, no_boot: bool) -> None:
    """Prove that the cloud works.

    Every workload is well, every declared check passes, every API answers, a virtual machine boots and answers a ping.
    """
    from mastic.cli.session import working
    from mastic.pipeline import prove, survey
    from mastic.report.phase import phase
    from mastic.report.progress import duration

    options = options_of(context)
    with working(options) as report:
        with phase(report, "survey"):
            situation = survey(options.where())
        with phase(report, "verify"):
            found = prove(situation, report, boot=not no_boot)
        guest = "no virtual machine was booted" if found.guest is None else "a virtual machine booted and answered"
        if options.json:
            passed = [outcome.name for outcome in found.checks]
            report.data({"checks": passed, "seconds": found.seconds, "guest": found.guest is not None})
        else:
            report.data(f"verified in {duration(found.seconds)}: {len(found.checks)} checks passed, {guest}")
