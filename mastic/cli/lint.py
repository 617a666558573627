"""`mastic lint`: every problem of a catalogue, before any cloud meets it."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import InputError


@click.command("lint")
@click.argument("service", nargs=-1)
@common_options
@click.pass_context
def command(context: click.Context, service: tuple[str, ...]) -> None:
    """Check the catalogue; with SERVICE only these folders."""
    from mastic.cli.session import answering
    from mastic.lint.lint import lint

    options = options_of(context)
    with answering(options) as report:
        problems = lint(options.catalogue, service)
        if problems:
            raise InputError(problems)
        said = ", ".join(service) or str(options.catalogue)
        report.data({"problems": []} if options.json else f"no problem found in {said}")
