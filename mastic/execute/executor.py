"""Executor: what carries a plan to the hosts and brings back what happened (Plan → Run)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from mastic.execute.feed import ImageFeed
from mastic.model.desired import Desired
from mastic.model.observed import Observed
from mastic.model.plan import Plan
from mastic.model.run import Event, Run

Tell = Callable[[Event], None]
"""Takes events as they happen; may be called from several threads."""


class Executor(Protocol):
    """One way to reach hosts; every one passes `tests/contract/executor/`."""

    def observe(self, hosts: Sequence[str]) -> Observed:
        """Read what is on the hosts, one call per host; changes nothing."""
        ...

    def perform(self, plan: Plan, desired: Desired, secrets: Mapping[str, str], feed: ImageFeed, tell: Tell) -> Run:
        """Carry out every step whose needs are done; after a failure start no new step.

        `secrets` holds the values the files refer to. A failed step is told in the run, never raised.
        """
        ...

    def logs(self, host: str, container: str, lines: int, follow: bool) -> Iterator[str]:
        """The last `lines` lines a container wrote; with `follow`, further ones as they come."""
        ...

    def exec(self, host: str, container: str, command: tuple[str, ...], seconds: float) -> tuple[int, str]:
        """Run a command in a running container: its exit code and output."""
        ...

    def cleanup(self, host: str) -> None:
        """Remove the agent's own records of this cloud from a host."""
        ...
