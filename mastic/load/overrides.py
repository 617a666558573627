"""The operator's folder of override files → Overrides."""

from __future__ import annotations

from pathlib import Path

from mastic.errors import InputError, Place, Problem
from mastic.model.overrides import Overrides

FOLDER = "config"
NOTES = ("README", "README.md", "README.rst", "README.txt")
"""Files for people, which no service reads."""


def load_overrides(folder: Path, said_at: Place | None) -> Overrides:
    """Read every file under `folder`; `said_at` is the line that names it, None when it is the default.

    Raises InputError when a folder that was named is not there, or a file is not text.
    """
    if not folder.is_dir():
        if said_at is not None or folder.exists():
            message = f"`{folder.name}` is not a folder of override files"
            raise InputError(Problem(message, said_at or Place(str(folder)), "make it, or remove `config:`"))
        return Overrides(folder)
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for path in sorted(each for each in folder.rglob("*") if _counts(each, folder)):
        try:
            files[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            problems.append(Problem(f"`{path.name}` is not UTF-8 text: {error.reason}", Place(str(path))))
        except OSError as error:
            problems.append(Problem(f"cannot read `{path.name}`: {error.strerror}", Place(str(path))))
    if problems:
        raise InputError(problems)
    return Overrides(folder, files)


def _counts(path: Path, folder: Path) -> bool:
    """Whether a path is a file for a service: nothing hidden, no note for people."""
    inside = path.relative_to(folder).parts
    return not path.is_dir() and path.name not in NOTES and not any(part.startswith(".") for part in inside)
