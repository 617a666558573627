"""`mastic explain`: where the value of a setting, a file or one option of a file comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import InputError, Problem

if TYPE_CHECKING:
    from mastic.pipeline import Situation

Answer = tuple[str, object]
"""For people and for programs."""


@click.command("explain")
@click.argument("subject")
@click.argument("detail", nargs=-1)
@common_options
@click.pass_context
def command(context: click.Context, subject: str, detail: tuple[str, ...]) -> None:
    """Say where a setting, a file or an option of a file comes from.

    SUBJECT is a setting, `glance.workers`, or a file of a workload, `glance-api:glance-api.conf`. DETAIL is a host,
    and for a file one of its options: `DEFAULT.debug`, or `debug` for every section that has it.
    """
    from mastic.cli.session import answering
    from mastic.pipeline import survey

    options = options_of(context)
    with answering(options) as report:
        situation = survey(options.where())
        about = about_file if ":" in subject else about_setting
        text, objects = about(situation, subject, detail)
        report.data(objects if options.json else text)


def about_setting(situation: Situation, subject: str, detail: tuple[str, ...]) -> Answer:
    """The layers of a setting, on one host or on all."""
    from mastic.report.explain_text import explained, explained_objects, explained_text

    if len(detail) > 1:
        raise InputError(Problem(f"`{detail[1]}` is one word too many", hint="mastic explain SETTING [HOST]"))
    entries = explained(situation.desired, subject, detail[0] if detail else None)
    return explained_text(entries), explained_objects(entries)


def about_file(situation: Situation, subject: str, detail: tuple[str, ...]) -> Answer:
    """A file as it will be, or the layers of one option of it."""
    from mastic.pipeline import layers_of
    from mastic.report.explain_text import file_object, file_text, found_files
    from mastic.report.option_text import found_options, option_objects, option_text

    hosts = [word for word in detail if word in situation.desired.hosts]
    words = [word for word in detail if word not in hosts]
    if len(words) > 1 or len(hosts) > 1:
        hint = "mastic explain WORKLOAD:FILE [SECTION.OPTION] [HOST]"
        raise InputError(Problem(f"`{' '.join(detail)}` is too much to explain at once", hint=hint))
    files = [each for each in found_files(situation.desired, subject) if not hosts or each.workload.host in hosts]
    if not words:
        return "\n\n".join(file_text(found) for found in files), [file_object(found) for found in files]
    found = [
        each for file in files for each in found_options(file, layers_of(situation, file.workload, file.file), words[0])
    ]
    return option_text(found), option_objects(found)
