"""Notices on stdin while a program runs: which images stand, and whether to stop; and answers on stdout."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any, TextIO


class Notices:
    """Remembers what was said; threads wait for what they need."""

    def __init__(self, on_stop: Callable[[], None]) -> None:
        self._changed = threading.Condition()
        self._images: dict[str, dict[str, Any]] = {}
        self._ended = False
        self._stopped = False
        self._on_stop = on_stop

    def listen(self, lines: Iterable[str]) -> None:
        """Take notices until the speaker is gone; after that no image will come."""
        for line in lines:
            if line.strip():
                self._take(json.loads(line))
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Start nothing new; nobody waits for images any longer."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._on_stop()

    def image(self, reference: str) -> dict[str, Any]:
        """Wait for the notice about an image: its `state` is ready, failed, unknown (nobody will tell) or stopped."""
        with self._changed:
            self._changed.wait_for(lambda: reference in self._images or self._ended or self._stopped)
            missing = {"state": "stopped" if self._stopped else "unknown"}
            return self._images.get(reference, missing)

    def _take(self, notice: dict[str, Any]) -> None:
        if notice.get("stop"):
            self.stop()
        elif "image" in notice:
            with self._changed:
                self._images[notice["image"]] = notice
                self._changed.notify_all()


class Answers:
    """JSON lines on stdout; when nobody reads them any longer, `on_deaf` is called once."""

    def __init__(self, stream: TextIO, on_deaf: Callable[[], None]) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._on_deaf = on_deaf
        self._deaf = False

    def say(self, answer: dict[str, Any]) -> None:
        with self._lock:
            if self._deaf:
                return
            try:
                self._stream.write(json.dumps(answer, sort_keys=True) + "\n")
                self._stream.flush()
                return
            except BrokenPipeError:
                self._deaf = True
        self._on_deaf()
