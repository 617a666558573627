"""Plan: the steps from what is observed to what is desired, each with cause, needs, risk and impact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Verb = Literal[
    "pull",
    "write",
    "volume",
    "move",
    "backup",
    "restore",
    "bind",
    "run",
    "start",
    "replace",
    "reload",
    "restart",
    "stop",
    "remove",
]
"""The closed list; an executor is one function per verb."""
Impact = Literal["none", "minor", "interrupts"]
"""On users: none = nothing noticed, minor = short delay or retry, interrupts = the API or function is away."""
Risk = Literal["none", "data-loss"]


@dataclass(frozen=True)
class Step:
    """One change of one resource on one host."""

    id: str
    """`start:glance-api@laptop`"""
    verb: Verb
    resource: str
    """Id of the workload, job or volume, or an image reference with `@host`."""
    host: str
    cause: str
    """Why: `not there yet`, `glance-api.conf changed`, `image changed`…"""
    needs: tuple[str, ...] = ()
    """Ids of steps that must be done first; they stand before this one in the plan."""
    group: str = ""
    """Service, for display."""
    risk: Risk = "none"
    impact: Impact = "none"
    reversible: bool = True
    detail: dict[str, Any] = field(default_factory=dict, compare=False)
    together: str = ""
    """Steps of the same word on several hosts run at the same time: each is done only when the others run as well."""


@dataclass(frozen=True)
class Plan:
    """Steps in an order in which they could run one by one."""

    cloud: str
    steps: tuple[Step, ...] = ()
    images: tuple[str, ...] = ()
    """Catalogue names of the images that steps need."""
    seconds: float | None = field(default=None, compare=False)
    """How long it will take, learnt from earlier runs; None when they do not tell."""
    stays: tuple[str, ...] = field(default=(), compare=False)
    """Data of what is wanted no more, in words: it goes only when the goal allows it."""

    def __bool__(self) -> bool:
        return bool(self.steps)
