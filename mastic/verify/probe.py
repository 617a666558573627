"""Probes → outcomes: several checks run side by side, each told as it starts and ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic, time
from typing import Literal, Protocol

from mastic.errors import MasticError, Place, Problem
from mastic.model.run import Event


class Listener(Protocol):
    """The part of a report that verification needs; called from several threads."""

    def event(self, event: Event) -> None:
        """Show or record an event."""


@dataclass(frozen=True)
class Probe:
    """One thing to find out."""

    id: str
    run: Callable[[], str]
    """Returns what to tell; raises MasticError or one of `expected`."""
    expected: Callable[[], tuple[type[Exception], ...]] = lambda: (OSError,)
    """What else it may raise when the cloud, not mastic, is at fault; asked only when something was raised."""
    host: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a probe found out."""

    name: str
    seconds: float
    message: str
    problems: tuple[Problem, ...] = ()


def run_probes(probes: Sequence[Probe], report: Listener, beside: int = 3) -> list[Outcome]:
    """Run all, at most `beside` at once, started in the order given; a failure stops none of the others."""
    if not probes:
        return []
    with ThreadPoolExecutor(beside, thread_name_prefix="probe") as pool:
        return list(pool.map(lambda probe: run_probe(probe, report), probes))


def run_probe(probe: Probe, report: Listener) -> Outcome:
    """Run one and tell about it."""
    began = monotonic()
    report.event(Event("check", probe.id, "started", host=probe.host, at=time()))
    outcome = attempt(probe, began)
    state: Literal["failed", "done"] = "failed" if outcome.problems else "done"
    report.event(Event("check", probe.id, state, outcome.seconds, outcome.message, host=probe.host, at=time()))
    return outcome


def attempt(probe: Probe, began: float) -> Outcome:
    """Turn what a probe raises into problems; an error in mastic itself goes through."""
    try:
        message = probe.run()
    except MasticError as error:
        problems = error.problems
    except probe.expected() as error:
        problems = (Problem(f"{probe.id}: {error}", Place(probe.host or "cloud"), "`mastic status` shows what runs"),)
    else:
        return Outcome(probe.id, monotonic() - began, message)
    return Outcome(probe.id, monotonic() - began, headline(problems), problems)


def headline(problems: Sequence[Problem]) -> str:
    """One line for all; whoever asked for the checks tells the whole when all have run."""
    first = problems[0].message.splitlines()[0]
    return f"{first} (and {len(problems) - 1} more)" if len(problems) > 1 else first
