"""`mastic new-service`: a service folder to start from."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of


@click.command("new-service")
@click.argument("name")
@common_options
@click.pass_context
def command(context: click.Context, name: str) -> None:
    """Make a service folder to start from.

    The folder NAME in the catalogue holds a small service that passes `mastic lint`.
    """
    from mastic.cli.session import answering
    from mastic.lint.new_service import new_service

    options = options_of(context)
    with answering(options) as report:
        files = new_service(options.catalogue, name)
        report.data([str(file) for file in files] if options.json else "\n".join(str(file) for file in files))
        report.say(f"next: `mastic lint {name}`, then add `{name}` to `services` in cloud.yml")
