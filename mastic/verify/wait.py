"""Waiting for a condition of the cloud: the only place where verification lets time pass."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

Seen = TypeVar("Seen")


def wait_until(what: str, look: Callable[[], Seen | None], seconds: float, every: float = 0.4) -> Seen:
    """Look again and again until `look` returns something; raises TimeoutError after `seconds`.

    `what` finishes the sentence "waited … s for".
    """
    end = monotonic() + seconds
    while True:
        seen = look()
        if seen is not None:
            return seen
        if monotonic() + every > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        sleep(every)
