"""`_shared/bases.yml` → Bases."""

from __future__ import annotations

from pathlib import Path

from mastic.load.strict import read_yaml, to_model
from mastic.model.base import Bases

FILE = "bases.yml"


def load_bases(shared: Path) -> Bases:
    """Read the bases of the catalogue whose shared folder is `shared`; raises InputError with every problem."""
    if not (shared / FILE).is_file():
        return Bases()
    return to_model(Bases, read_yaml(shared / FILE), "", FILE)
