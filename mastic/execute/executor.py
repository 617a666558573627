"""Executor: what carries a plan to the hosts and brings back what happened (Plan → Run)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mastic.execute.feed import ImageFeed
from mastic.model.desired import Desired
from mastic.model.observed import Observed
from mastic.model.plan import Plan
from mastic.model.run import Event, Run
from mastic.plan.around import Archive

Tell = Callable[[Event], None]
"""Takes events as they happen; may be called from several threads."""


@dataclass(frozen=True)
class Collected:
    """Images that can go, or went."""

    sizes: dict[str, int]
    """Reference → bytes that nothing else shares."""
    in_use: tuple[str, ...] = ()
    """References that a container uses: they stay."""


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

    def check(self, host: str, desired: Desired, secrets: Mapping[str, str]) -> dict[str, str]:
        """Ask every job of a host that declares a check; job id → what is wrong, empty when its effect stands.

        What is wrong is on record from then on: the next plan runs the job again. Raises HostError.
        """
        ...

    def cleanup(self, host: str) -> None:
        """Remove the agent's own records of this cloud from a host; while data stays, what is needed with it stays."""
        ...

    def keep(self, host: str, content: bytes) -> None:
        """Put a copy of the controller's state on a host, readable by root only. Raises HostError."""
        ...

    def kept(self, host: str) -> bytes | None:
        """The copy that a host keeps; None when it has none. Raises HostError."""
        ...

    def sizes(self, host: str) -> dict[str, int]:
        """Bytes on the disk of each volume of the cloud. Raises HostError."""
        ...

    def archive(self, host: str, path: str) -> Archive:
        """What a backup on a host says of itself. Raises HostError when there is none."""
        ...

    def collect(self, host: str, images: Sequence[str], remove: bool) -> Collected:
        """What images take that nothing else shares and, when told so, remove those no container uses."""
        ...
