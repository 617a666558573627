"""Compares a text with its golden; MASTIC_ACCEPT=1 writes the golden instead."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent


def assert_golden(name: str, text: str) -> None:
    """The text equals `tests/golden/<name>.txt`."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("MASTIC_ACCEPT"):
        path.write_text(text.rstrip("\n") + "\n")
    assert path.exists(), f"no golden {name}: accept it with MASTIC_ACCEPT=1"
    assert text.rstrip("\n") + "\n" == path.read_text(), f"golden {name} differs: accept with MASTIC_ACCEPT=1"
