"""Run: what happened to a plan, told as events while it goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Event:
    """Something that happened: to a step of a plan, to an image, or to a phase of the command."""

    kind: Literal["step", "image", "phase", "check"]
    id: str
    """Step id, image name, phase name or check name."""
    state: Literal["started", "progress", "done", "failed", "skipped"]
    seconds: float = 0.0
    """How long it took; 0 while it runs."""
    message: str = ""
    log: tuple[str, ...] = ()
    """Last log lines, when it failed."""
    host: str = ""
    at: float = 0.0
    """Seconds since the epoch."""


@dataclass
class Run:
    """The outcome of an apply, filled while it goes."""

    id: str
    done: dict[str, float] = field(default_factory=dict)
    """Step id → seconds."""
    failed: dict[str, Event] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.failed and not self.skipped
