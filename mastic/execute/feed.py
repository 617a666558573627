"""ImageFeed: build tells executors which images stand, while both are at work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Literal


@dataclass(frozen=True)
class ImageNotice:
    """An image can be used, or never will be in this run."""

    image: str
    """Full reference, `mastic/glance-api:3f2a…`."""
    state: Literal["ready", "failed"]
    why: str = ""
    id: str = ""
    """What the image is, when it is to be pulled: the digest of its configuration."""
    origins: tuple[str, ...] = ()
    """Where a host pulls it from when its engine does not have it, tried in this order."""


Listener = Callable[[ImageNotice], None]


class ImageFeed:
    """Passes notices to every subscriber, also those given before it came; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._notices: list[ImageNotice] = []
        self._listeners: list[Listener] = []

    def ready(self, reference: str) -> None:
        """Say that an image is in the engine."""
        self._publish(ImageNotice(reference, "ready"))

    def offered(self, reference: str, id: str, origins: tuple[str, ...]) -> None:
        """Say that hosts can pull an image."""
        self._publish(ImageNotice(reference, "ready", id=id, origins=origins))

    def failed(self, reference: str, why: str) -> None:
        """Say that an image could not be built."""
        self._publish(ImageNotice(reference, "failed", why))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every past and future notice, one at a time, in order; the answer unsubscribes."""
        with self._lock:
            for notice in self._notices:
                listener(notice)
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners.remove(listener)

        return unsubscribe

    def _publish(self, notice: ImageNotice) -> None:
        with self._lock:
            self._notices.append(notice)
            for listener in tuple(self._listeners):
                listener(notice)
