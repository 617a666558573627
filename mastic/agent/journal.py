"""Journal: what the agent is about to do and has done, on disk before and after each step."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

LARGEST = 4 * 1024 * 1024


class Journal:
    """One JSON object per line, each on the disk before `write` returns."""

    def __init__(self, path: Path) -> None:
        if path.exists() and path.stat().st_size > LARGEST:
            path.replace(path.with_suffix(".old"))
        self._lock = threading.Lock()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(handle, "a")

    def write(self, **entry: Any) -> None:
        with self._lock:
            self._file.write(json.dumps({"at": time.time(), **entry}, sort_keys=True) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
