"""`mastic volume`: what holds the data, copies of it, and its way back."""

from __future__ import annotations

from pathlib import Path

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode

_YES = click.option("--yes", is_flag=True, help="Do not ask.")
_STEPS = click.option("--steps", is_flag=True, help="Show every step of the plan.")


@click.group("volume")
@common_options
def command() -> None:
    """List volumes, back them up, restore them, move them.

    `list` shows what there is. `backup NAME... --to DIR` writes an archive with every file's checksum, `restore FILE`
    puts it back, `move NAME --to PATH` brings a volume to another folder of its host. Each shows its plan first.
    """


@command.command("list")
@common_options
@click.pass_context
def show(context: click.Context) -> None:
    """Show every volume with its host, service, size, and the containers that use it."""
    from mastic.cli.session import answering
    from mastic.report.volume_text import volume_objects, volumes_text
    from mastic.volumes import listing

    options = options_of(context)
    with answering(options) as report:
        rows = listing(options.where())
        report.data(volume_objects(rows) if options.json else volumes_text(rows))


@command.command("backup")
@click.argument("name", nargs=-1, required=True)
@click.option("--to", "folder", type=click.Path(path_type=Path), required=True, metavar="DIR",
              help="Folder on the volumes' host.")  # fmt: skip
@_YES
@_STEPS
@common_options
@click.pass_context
def back_up(context: click.Context, name: tuple[str, ...], folder: Path, yes: bool, steps: bool) -> int:
    """Write one archive of the volumes NAME, each as NAME or NAME@HOST.

    Whoever uses one of them is stopped before and started after: all of the archive is of one moment.
    """
    from mastic.cli.session import approval, working
    from mastic.volumes import backup

    options = options_of(context)
    with working(options, all_steps=steps) as report:
        path, done = backup(options.where(), name, folder, report, approval(report, yes))
        if not done:
            report.say("not backed up: nothing was changed")
            return int(ExitCode.USER_PROBLEM)
        report.data({"archive": path} if options.json else path)
    return int(ExitCode.DONE)


@command.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--allow", multiple=True, type=click.Choice(["data-loss"]), help="The present content may go.")
@_YES
@_STEPS
@common_options
@click.pass_context
def put_back(context: click.Context, file: Path, allow: tuple[str, ...], yes: bool, steps: bool) -> int:
    """Put the volumes back as they were when FILE was written.

    What is in them now goes, when every file of FILE has been unpacked and its checksum compared.
    """
    from mastic.cli.session import approval, unkept, working
    from mastic.model.goal import Goal
    from mastic.volumes import restore

    options = options_of(context)
    goal = Goal(allow_data_loss="data-loss" in allow)
    with working(options, all_steps=steps) as report:
        outcome = restore(options.where(), file, goal, report, approval(report, yes))
        if outcome is None:
            report.say("not restored: nothing was changed")
            return int(ExitCode.USER_PROBLEM)
        unkept(report, outcome.unkept)
        report.say("restored: every checksum is as it was")
    return int(ExitCode.DONE)


@command.command("move")
@click.argument("name")
@click.option("--to", "path", type=click.Path(path_type=Path), required=True, metavar="PATH",
              help="Empty or new folder on the same host.")  # fmt: skip
@_YES
@_STEPS
@common_options
@click.pass_context
def bring(context: click.Context, name: str, path: Path, yes: bool, steps: bool) -> int:
    """Bring the volume NAME to another folder of its host, and say so in cloud.yml.

    Whoever uses it is stopped meanwhile. The old content goes when every checksum of the copy has been compared.
    """
    from mastic.cli.session import approval, unkept, working
    from mastic.volumes import move

    options = options_of(context)
    with working(options, all_steps=steps) as report:
        outcome = move(options.where(), name, path, report, approval(report, yes))
        if outcome is None:
            report.say("not moved: nothing was changed")
            return int(ExitCode.USER_PROBLEM)
        unkept(report, outcome.unkept)
        report.say(f"`{name}` lies in {path}")
    return int(ExitCode.DONE)
