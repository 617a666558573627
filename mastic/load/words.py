"""pydantic's complaints about an input file → Problems in an operator's words."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mastic.errors import Place, Problem, did_you_mean, nearest

_WANTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "`true` or `false`",
    "tuple": "a list",
    "list": "a list",
    "dict": "a list of `key: value` lines",
    "model": "a list of `key: value` lines",
}
_PATTERNS = {
    "^[a-z][a-z": "a name: lower-case letters and digits, joined by single `-` or `_`",
    "^0[0-7]": "a file mode such as `0640`",
    "^[A-Z]": "a Linux capability such as `NET_ADMIN`",
}


def problems_of(
    error: ValidationError, kind: type[BaseModel], names: tuple[str, str], place: Callable[..., Place]
) -> list[Problem]:
    """One Problem per complaint; `names` are the word that key paths start with and the name of the whole file."""
    found = error.errors()
    mistyped = {
        (details["loc"][:-1], nearest(str(details["loc"][-1]), _known_keys(kind, details["loc"][:-1])))
        for details in found
        if details["type"] == "extra_forbidden"
    }
    return [
        _problem(details, kind, names, place)
        for details in found
        if details["type"] != "missing" or (details["loc"][:-1], details["loc"][-1]) not in mistyped
    ]


def said(value: Any) -> str:
    """How a value is quoted to the operator who wrote it."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a list of `key: value` lines"
    if isinstance(value, list | tuple):
        return "a list"
    return f"`{value}`"


def _problem(
    details: ErrorDetails, kind: type[BaseModel], names: tuple[str, str], place: Callable[..., Place]
) -> Problem:
    keys = tuple(key for key in details["loc"] if key != "[key]")
    subject, whole = names
    path = ".".join(str(part) for part in (subject, *keys) if part != "")
    parent = ".".join(str(part) for part in (subject, *keys[:-1]) if part != "") or whole
    where = place(*keys)
    if details["type"] == "extra_forbidden":
        near = _near_key(str(keys[-1]), details["input"], _known_keys(kind, keys[:-1]))
        return Problem(f"unknown key `{keys[-1]}` in `{parent}`", where, near)
    if details["type"] == "missing":
        return Problem(f"`{parent}` does not say `{keys[-1]}`", where, f"add `{keys[-1]}: …`")
    message, hint = _complaint(details)
    return Problem(f"`{path}` {message}", where, hint)


def _near_key(key: str, value: Any, known: list[str]) -> str:
    if value is None and " " in key:
        return "put a text that has a comma in quotes"
    return did_you_mean(key, known) or f"known keys: {', '.join(f'`{each}`' for each in known)}"


def _complaint(details: ErrorDetails) -> tuple[str, str | None]:
    sort, value, context = details["type"], details["input"], details.get("ctx", {})
    if sort == "literal_error":
        choices = _quoted_words(str(context["expected"]))
        listed = ", ".join(f"`{choice}`" for choice in choices)
        return f"must be one of {listed}; it is {said(value)}", did_you_mean(str(value), choices)
    if sort == "string_pattern_mismatch":
        wanted = next((words for start, words in _PATTERNS.items() if context["pattern"].startswith(start)), "valid")
        return f"must be {wanted}; it is {said(value)}", None
    if sort == "string_too_long":
        return f"is too long: at most {context['max_length']} characters", None
    kind = next((words for start, words in _WANTED.items() if sort.startswith(start)), None)
    if kind is None:
        return f"is not valid: {details['msg'].lower()}", None
    hint = f'put it in quotes: "{value}"' if kind == "text" and isinstance(value, int | float) else None
    return f"must be {kind}; it is {said(value)}", hint


def _quoted_words(expected: str) -> list[str]:
    return [word.strip("' ") for word in expected.replace(" or ", ", ").split(",")]


def _known_keys(kind: Any, keys: tuple[str | int, ...]) -> list[str]:
    """Names (as written in YAML) of the fields of the model found under `keys`."""
    for key in keys:
        kind = _inside(_model_of(kind), key)
    model = _model_of(kind)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.alias or name for name, field in model.model_fields.items()]
    return []


def _inside(kind: Any, key: str | int) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if key in (field.alias, name):
                return field.annotation
        return None
    arguments = get_args(kind)
    return arguments[-1 if get_origin(kind) is dict else 0] if arguments else None


def _model_of(kind: Any) -> Any:
    """`kind` without Optional and Annotated around it."""
    if get_origin(kind) is Annotated:
        return _model_of(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return _model_of(next(part for part in get_args(kind) if part is not type(None)))
    return kind
