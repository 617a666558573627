"""Generation: what a run was about and what stands since; enough to return to it without the definitions of then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mastic.model.desired import Desired
from mastic.model.goal import Goal
from mastic.model.plan import Plan
from mastic.model.run import Run

Result = Literal["applied", "verified", "checks failed"]
"""applied = every step went well and nobody has checked yet."""


@dataclass(frozen=True)
class Intent:
    """What a run wants; written down before its first step, so that any later process can go on with it."""

    command: str
    """`apply`, `rollback to 3`, `destroy`."""
    desired: Desired
    goal: Goal = field(default_factory=Goal)
    by: str = ""
    """Who asked: `user@machine`."""
    cloud_file: str = ""
    """Text of the cloud definition of then."""
    catalogue: str = ""
    """Version of the catalogue of then."""
    recipes: str = field(default="", repr=False)
    """How the images are built, as `build/recipes.py` writes it: an image that is gone can be made again."""


@dataclass(frozen=True)
class Head:
    """The readable part of a generation."""

    number: int
    run: str
    at: str
    """UTC, ISO 8601."""
    command: str
    by: str = ""
    parent: int | None = None
    release: str = ""
    catalogue: str = ""
    steps: int = 0
    services: tuple[str, ...] = ()
    """Services that the plan touched."""
    seconds: float = 0.0
    """From the first event of the run to the last."""
    result: Result = "applied"

    @property
    def stands(self) -> bool:
        """False for a cloud that was taken away."""
        return self.command != "destroy"


@dataclass(frozen=True)
class Generation:
    """Everything needed to return to what stood after a run."""

    head: Head
    intent: Intent

    @property
    def desired(self) -> Desired:
        return self.intent.desired


@dataclass(frozen=True)
class Record:
    """A run as history knows it; `run` is replaced by its outcome before it is committed."""

    id: str
    intent: Intent
    plan: Plan
    run: Run
