"""`mastic logs`: what the containers of a service wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import InputError, MasticError, Place, Problem

if TYPE_CHECKING:
    from mastic.model.desired import Desired, PlacedWorkload
    from mastic.model.observed import Observed

    ReadLog = Callable[[str, str, int, bool], Iterator[str]]


@click.command("logs")
@click.argument("name", metavar="SERVICE|WORKLOAD")
@click.option("--host", help="Only on this host.")
@click.option("--lines", "-n", default=50, show_default=True, help="So many last lines of each container.")
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C.")
@common_options
@click.pass_context
def command(context: click.Context, name: str, host: str | None, lines: int, follow: bool) -> None:
    """Show what a service or one workload wrote.

    With several containers each line begins with its workload and host.
    """
    from mastic.cli.session import answering
    from mastic.pipeline import survey

    options = options_of(context)
    with answering(options) as report:
        situation = survey(options.where())
        workloads = present(chosen(situation.desired, name, host), situation.observed)
        read = situation.executor.logs
        several = len(workloads) > 1
        for workload, line in (following if follow else one_by_one)(read, workloads, lines):
            prefix = f"{workload.id}: " if several else ""
            report.data({"workload": workload.id, "line": line} if options.json else f"{prefix}{line}")


def chosen(desired: Desired, name: str, host: str | None) -> list[PlacedWorkload]:
    """The workloads that `name` means: a workload, or all of a service.

    Raises InputError when there are none.
    """
    named = [workload for workload in desired.workloads if name in (workload.name, workload.service)]
    found = [workload for workload in named if host in (None, workload.host)]
    if found:
        return found
    if named:
        hosts = ", ".join(f"`{workload.host}`" for workload in named)
        raise InputError(Problem(f"`{name}` has no workload on `{host}`", hint=f"it runs on {hosts}"))
    known = sorted({known for workload in desired.workloads for known in (workload.name, workload.service)})
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "`mastic status` names all workloads"
    raise InputError(Problem(f"no service or workload `{name}` in cloud `{desired.cloud}`", hint=hint))


def present(workloads: list[PlacedWorkload], observed: Observed) -> list[PlacedWorkload]:
    """Those that have a container.

    Raises InputError when none has.
    """
    there = [w for w in workloads if w.host in observed.hosts and w.name in observed.hosts[w.host].workloads]
    if not there:
        hint = "`mastic status` says why; `mastic apply` starts what is not there"
        raise InputError([Problem(f"`{w.name}` has no container", Place(f"host {w.host}"), hint) for w in workloads])
    return there


def one_by_one(read: ReadLog, workloads: Sequence[PlacedWorkload], lines: int) -> Iterator[tuple[PlacedWorkload, str]]:
    """The last lines of each, one workload after the other."""
    for workload in workloads:
        for line in read(workload.host, workload.container, lines, False):
            yield workload, line


def following(read: ReadLog, workloads: Sequence[PlacedWorkload], lines: int) -> Iterator[tuple[PlacedWorkload, str]]:
    """Lines of all as they come, until every log ends or the caller stops.

    Raises the first error that a log ends with.
    """
    queue: SimpleQueue[tuple[PlacedWorkload, str | MasticError | None]] = SimpleQueue()

    def pump(workload: PlacedWorkload) -> None:
        try:
            for line in read(workload.host, workload.container, lines, True):
                queue.put((workload, line))
        except MasticError as error:
            queue.put((workload, error))
        queue.put((workload, None))

    for workload in workloads:
        Thread(target=pump, args=(workload,), daemon=True).start()
    open_logs = len(workloads)
    while open_logs:
        workload, item = queue.get()
        if isinstance(item, MasticError):
            raise item
        if item is None:
            open_logs -= 1
        else:
            yield workload, item
