"""Options that the programs in an image declare, as they were read from the image."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True)


class OptionType(_Plain):
    """What values an option takes, in oslo.config's words."""

    name: str
    min: float | None = None
    max: float | None = None
    max_length: int | None = None
    choices: tuple[str | None, ...] = ()
    ignore_case: bool = False
    regex: str | None = None
    version: int | None = None
    item: OptionType | None = None
    bounds: bool = False


class DeclaredOption(_Plain):
    """One option of one section."""

    type: OptionType
    multi: bool = False
    """May stand several times, each counts."""
    also: tuple[str, ...] = ()
    """Other spellings of the name."""
    old_names: tuple[tuple[str, str], ...] = ()
    """(section, name) under which it was known; an empty section means its own."""
    removal: str | None = None
    """Why it will go away; None when it stays."""


class DeclaredOptions(_Plain):
    """Section → option → declaration, of one image."""

    sections: dict[str, dict[str, DeclaredOption]]


class OptionSource(_Plain):
    """How the declarations of an image are found."""

    namespaces: tuple[str, ...]
    sections: dict[str, str] = {}
    """Section made by configuration (pattern) → declared section."""
