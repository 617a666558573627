"""Goal: what the operator asked for beside the cloud definition itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """Limits and permissions of one plan."""

    only: tuple[str, ...] = ()
    """Services to touch; empty means all."""
    allow_data_loss: bool = False
    """`--allow data-loss`: volumes with data may go."""
    destroy: bool = False
    """Everything of the cloud goes away."""
