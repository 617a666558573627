"""`mastic hosts`: whether the machines of a cloud can be its hosts, and what makes them so."""

from __future__ import annotations

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode


@click.group("hosts")
@common_options
def command() -> None:
    """Check the machines of a cloud, and prepare them; all at once.

    `check` reads, `prepare` installs and starts the distribution's own container engine where none answers.
    """


@command.command("check")
@common_options
@click.pass_context
def check(context: click.Context) -> int:
    """Ask every host what it is; say all that keeps it from being one.

    Reachable, Python, root, engine, address, clock, release, MTU, other clouds. Changes nothing.
    """
    from mastic.cli.session import answering
    from mastic.hosts import look, rows_of
    from mastic.plan.host_check import host_problems
    from mastic.report.host_text import host_objects, hosts_text

    options = options_of(context)
    with answering(options) as report:
        seen = look(options.state, options.cloud)
        rows = rows_of(seen)
        report.data(host_objects(rows) if options.json else hosts_text(rows))
        problems = host_problems(seen)
        if problems:
            report.problems(problems)
    return int(ExitCode.USER_PROBLEM if problems else ExitCode.DONE)


@command.command("prepare")
@common_options
@click.pass_context
def prepare(context: click.Context) -> int:
    """Make machines with Python and ssh into hosts.

    Installs Debian's Docker where no engine answers, starts it, and sets what the kernel has to allow. Nothing else is
    changed; run again, it changes nothing.
    """
    from mastic.cli.session import working
    from mastic.hosts import prepare_hosts

    options = options_of(context)
    with working(options) as report:
        prepared, problems = prepare_hosts(options.state, options.cloud, report)
        text = "\n".join(f"{name}: {', '.join(done) or 'nothing to do'}" for name, done in sorted(prepared.items()))
        report.data(prepared if options.json else text)
        if problems:
            report.problems(problems)
    return int(ExitCode.STEP_FAILED if problems else ExitCode.DONE)
