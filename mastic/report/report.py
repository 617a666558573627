"""Report: the one way in which the main path talks to whoever runs it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from mastic.errors import Problem
from mastic.model.desired import Desired
from mastic.model.plan import Plan
from mastic.model.run import Event


class Report(Protocol):
    """Takes what happens, from any thread; each implementation shows it in its own way."""

    def plan(self, plan: Plan, desired: Desired) -> None:
        """Show what is going to change."""

    def event(self, event: Event) -> None:
        """Tell what happened to a step, an image, a phase or a check."""

    def problems(self, problems: Iterable[Problem]) -> None:
        """Show everything that is wrong."""

    def say(self, text: str) -> None:
        """Say a sentence to the person at the terminal (never data)."""

    def data(self, value: object) -> None:
        """Give the result of the command: text for people, or plain JSON."""
