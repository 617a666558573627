"""`mastic diff`: differences between generations, or what an apply would change, file by file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mastic.cli.options import Options, common_options, options_of
from mastic.errors import ExitCode

if TYPE_CHECKING:
    from mastic.model.desired import Desired
    from mastic.plan.comparison import Part


@click.command("diff")
@click.argument("subject", nargs=-1, metavar="[GEN [GEN]] | [SERVICE|CONTAINER [HOST]]")
@common_options
@click.pass_context
def command(context: click.Context, subject: tuple[str, ...]) -> int:
    """Show differences file by file, with references in place of secrets.

    Without anything: from the last generation to what the cloud definition says now. GEN: from that generation to the
    definition. GEN GEN: from one to the other. SERVICE or CONTAINER, perhaps with HOST: only of that.
    """
    from mastic.cli.session import answering
    from mastic.report.difference_text import parts_objects, parts_text

    options = options_of(context)
    if len(subject) > 2:
        raise click.UsageError("at most two generations, or a service and a host", context)
    with answering(options) as report:
        parts = differences(options, subject)
        report.data(parts_objects(parts) if options.json else parts_text(parts))
    return int(ExitCode.DONE)


def differences(options: Options, subject: tuple[str, ...]) -> tuple[Part, ...]:
    """What the words ask for."""
    from mastic.pipeline import survey
    from mastic.plan.comparison import choose, compare
    from mastic.returning import cloud_of

    if len(subject) == 2 and all(word.isdigit() for word in subject):
        history = cloud_of(options.where()).history
        before, after = (history.generation(int(word)).desired for word in subject)
        return compare(before, after)
    situation = survey(options.where())
    history = situation.site.history
    if subject and subject[0].isdigit():
        return compare(history.generation(int(subject[0])).desired, situation.desired)
    latest = history.latest()
    last: Desired | None = latest.desired if latest and latest.head.stands else None
    if not subject:
        return compare(last, situation.desired)
    return compare(last, situation.desired, choose(last, situation.desired, *subject, *(None,) * (2 - len(subject))))
