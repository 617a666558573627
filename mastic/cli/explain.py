"""`mastic explain`: where the value of a setting or the content of a file comes from."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of


@click.command("explain")
@click.argument("subject")
@common_options
@click.pass_context
def command(context: click.Context, subject: str) -> None:
    """Say where a setting or a file comes from.

    SUBJECT is a setting, `glance.workers`, or a file of a workload, `glance-api:glance-api.conf`.
    """
    from mastic.cli.session import answering
    from mastic.pipeline import survey
    from mastic.report.explain_text import (
        explained,
        explained_objects,
        explained_text,
        file_object,
        file_text,
        found_files,
    )

    options = options_of(context)
    with answering(options) as report:
        desired = survey(options.where()).desired
        if ":" in subject:
            files = found_files(desired, subject)
            objects: object = [file_object(found) for found in files]
            report.data(objects if options.json else "\n\n".join(file_text(found) for found in files))
        else:
            entries = explained(desired, subject)
            report.data(explained_objects(entries) if options.json else explained_text(entries))
