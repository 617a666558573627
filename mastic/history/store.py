"""Files of history: written whole or not at all, JSON for people, compressed JSON for the rest."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mastic.errors import InputError, Place, Problem
from mastic.model.generation import Intent

RECIPES = "recipes"
_INTENT = TypeAdapter(Intent)


def write_durably(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON so that after a crash the file is there whole or not at all."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
    write_bytes_durably(path, text.encode())


def write_bytes_durably(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 so that after a crash it is there whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Names made or removed in a folder reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_intent(path: Path, intent: Intent, history: Path) -> None:
    """Write what a run wants; recipes lie beside, once for all runs that share them."""
    said = _INTENT.dump_python(intent, mode="json")
    said["recipes"] = _keep_recipes(history / RECIPES, intent.recipes)
    write_bytes_durably(path, gzip.compress(json.dumps(said, sort_keys=True).encode(), mtime=0))


def read_intent(path: Path, history: Path) -> Intent:
    """Raises InputError when it is not there or cannot be read."""
    try:
        said = json.loads(gzip.decompress(path.read_bytes()))
        said["recipes"] = _recipes(history / RECIPES, said["recipes"])
        return _INTENT.validate_python(said)
    except FileNotFoundError as error:
        hint = "it was written by an earlier version of mastic, or a part of the history was removed"
        raise InputError(Problem("this part of the history is not there", Place(str(error.filename)), hint)) from None
    except (OSError, EOFError, ValueError, KeyError, ValidationError) as error:
        message = f"this part of the history cannot be read: {str(error).splitlines()[0]}"
        raise InputError(Problem(message, Place(str(path)))) from None


def recipes_of(path: Path) -> str:
    """Name of the recipes file that an intent uses; empty when it uses none."""
    return str(json.loads(gzip.decompress(path.read_bytes()))["recipes"])


def _keep_recipes(folder: Path, recipes: str) -> str:
    if not recipes:
        return ""
    name = hashlib.sha256(recipes.encode()).hexdigest()[:32]
    folder.mkdir(exist_ok=True, mode=0o700)
    path = folder / f"{name}.json.gz"
    if not path.exists():
        write_bytes_durably(path, gzip.compress(recipes.encode(), mtime=0))
    return name


def _recipes(folder: Path, name: str) -> str:
    return gzip.decompress((folder / f"{name}.json.gz").read_bytes()).decode() if name else ""
