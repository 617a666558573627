"""Opens the report that fits the terminal, and says what ran when a command is interrupted."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mastic.cli.options import Options
from mastic.errors import InputError, MasticError, Problem

if TYPE_CHECKING:
    from mastic.model.generation import Head
    from mastic.model.plan import Plan
    from mastic.report.json_lines import JsonReport
    from mastic.report.plain import PlainReport
    from mastic.report.progress import Progress

    Shown = PlainReport | JsonReport


@contextmanager
def answering(options: Options, all_steps: bool = False) -> Iterator[Shown]:
    """A report for a command that gives one answer."""
    from mastic.report.json_lines import JsonReport
    from mastic.report.plain import PlainReport

    report = JsonReport(events=False) if options.json else PlainReport(all_steps=all_steps, plan_is_data=True)
    with report:
        yield report


@contextmanager
def working(options: Options, all_steps: bool = False) -> Iterator[Shown]:
    """A report for a command that changes things and takes a while."""
    with working_report(options, all_steps) as report, interruptible(report):
        yield report


def working_report(options: Options, all_steps: bool) -> Shown:
    """JSON lines, a live picture on a terminal, else plain lines."""
    if options.json:
        from mastic.report.json_lines import JsonReport

        return JsonReport()
    if sys.stderr.isatty():
        from mastic.report.live import LiveReport

        return LiveReport(all_steps=all_steps, color=options.color)
    from mastic.report.plain import PlainReport

    return PlainReport(all_steps=all_steps)


@contextmanager
def interruptible(report: Shown) -> Iterator[None]:
    """On Ctrl-C say what ran."""
    try:
        yield
    except KeyboardInterrupt:
        report.say(interrupted_text(report.progress))
        raise


def interrupted_text(progress: Progress) -> str:
    """What is done, what was under way, and how to go on."""
    running = [what for what, _ in progress.running_now()]
    under_way = f", under way: {', '.join(running)}" if running else ""
    steps = f"{progress.steps_done} of {progress.steps} steps done" if progress.steps else "nothing was changed"
    return (
        f"interrupted: {steps}{under_way}\n  hint: `mastic plan` shows what is left; `mastic apply` goes on from there"
    )


def way_back(report: Shown, always: bool) -> Callable[[MasticError, Head], bool]:
    """Whether to return to a generation after a failure: `--auto-rollback`, or the answer of whoever is there."""

    def offer(error: MasticError, target: Head) -> bool:
        if always:
            return True
        if not hasattr(report, "ask") or not sys.stdin.isatty():
            return False
        report.problems(error.problems)
        return bool(report.ask(f"Return to generation {target.number} ({target.command}, {target.at})?"))

    return offer


def unkept(report: Shown, problems: Sequence[Problem]) -> None:
    """Say which hosts do not keep the state; the change itself is not affected."""
    for problem in problems:
        report.say(f"warning: the state is not kept there as well: {problem.message}")


def approval(report: Shown, yes: bool, deletes: bool = False) -> Callable[[Plan], bool]:
    """Whether a plan may be applied: `--yes`, or the answer of whoever sits at the terminal."""

    def approve(plan: Plan) -> bool:
        return approved(report, yes, "Remove all this?" if deletes else "Apply this plan?")

    return approve


def approved(report: Shown, yes: bool, question: str) -> bool:
    """`--yes`, or the answer to a question. Raises InputError when nobody is there to answer."""
    if yes:
        return True
    if not hasattr(report, "ask") or not sys.stdin.isatty():
        raise InputError(Problem("nobody is at a terminal to approve the plan", hint="run again with `--yes`"))
    return bool(report.ask(question))
