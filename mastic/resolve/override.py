"""Rendered template + the operator's override files → the file as it will be, with the layers it is made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment

from mastic.errors import InputError, Problem
from mastic.load.strict import Document, parse_yaml
from mastic.model.overrides import Layer, Level, Overrides, Said
from mastic.resolve.ini import Dialect, by_key, merged, parse_ini, text_of
from mastic.resolve.lookup import Format, Lookup, override_names
from mastic.resolve.render import Context
from mastic.resolve.trace import Traced, traced_source

_OTHER_LINE = re.compile(r", first on line \d+")
"""Counts lines of the rendered text, which nobody sees."""


@dataclass(frozen=True)
class Laid:
    """A file with everything laid over it."""

    text: str
    layers: tuple[Layer, ...]
    """Of the override files only."""


@dataclass(frozen=True)
class Over:
    """An override file that applies, rendered."""

    level: Level
    traced: Traced


def overs_of(lookup: Lookup, overrides: Overrides, environment: Environment, context: Context) -> list[Over]:
    """The override files there are for a file, the weakest first; raises InputError with every one that fails."""
    found: list[Over] = []
    problems: list[Problem] = []
    for level, name in override_names(lookup):
        if name in overrides.files:
            try:
                path = str(overrides.path / name)
                found.append(Over(level, traced_source(environment, overrides.files[name], context, path)))
            except InputError as error:
                problems += error.problems
    if problems:
        raise InputError(problems)
    return found


def lay(base: Traced | None, overs: list[Over], lookup: Lookup) -> Laid:
    """`base` (None: there is no template) with the override files over it; raises InputError with their lines."""
    if not overs:
        return Laid(base.text if base else "", ())
    layers = tuple(layer_of(over, lookup) for over in overs)
    if lookup.format == "text":
        return Laid(overs[-1].traced.text, layers)
    if lookup.format == "ini":
        return Laid(_ini(base, overs, Dialect(lookup.oslo)), layers)
    data: Any = {}
    for traced in ([base] if base else []) + [over.traced for over in overs]:
        data = deep_merge(data, _document(traced, lookup.format).data)
    return Laid(_dumped(data, lookup.format), layers)


def layer_of(over: Over, lookup: Lookup) -> Layer:
    """What one file says, with its lines; raises InputError when it cannot be read."""
    if lookup.format == "text":
        return Layer(over.level, over.traced.file)
    said = _ini_said if lookup.format == "ini" else _data_said
    return Layer(over.level, over.traced.file, tuple(said(over.traced, lookup)))


def deep_merge(below: Any, above: Any) -> Any:
    """Mappings are merged key by key; anything else, lists too, is replaced."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    common = {key: deep_merge(below[key], above[key]) if key in below else above[key] for key in above}
    return {**below, **common}


def _ini(base: Traced | None, overs: list[Over], dialect: Dialect) -> str:
    entries = parse_ini(base.text, dialect, base.place) if base else ()
    for over in overs:
        entries = merged(entries, parse_ini(over.traced.text, dialect, over.traced.place), dialect)
    return text_of(entries)


def _ini_said(traced: Traced, lookup: Lookup) -> Iterator[Said]:
    dialect = Dialect(lookup.oslo)
    for entries in by_key(parse_ini(traced.text, dialect, traced.place), dialect).values():
        values = tuple(entry.value for entry in entries)
        places = tuple(traced.place(entry.number) for entry in entries)
        yield Said(entries[0].section, entries[0].option or "", values, places)


def _data_said(traced: Traced, lookup: Lookup) -> Iterator[Said]:
    document = _document(traced, lookup.format)
    for keys, value in _leaves(document.data, ()):
        text = json.dumps(value, ensure_ascii=False, sort_keys=True)
        yield Said("", ".".join(str(key) for key in keys), (text,), (document.place(*keys),))


def _document(traced: Traced, format: Format) -> Document:
    """The data of a YAML or JSON file, with the lines of its template."""
    path = Path(traced.file.where)
    document = _json(traced, path) if format == "json" else _yaml(traced, path)
    if not isinstance(document.data, dict):
        raise InputError(Problem(f"`{path.name}` must be a list of `key: value` lines", traced.place(1)))
    lines = {keys: traced.place(line).line or line for keys, line in document.lines.items()}
    return replace(document, lines=lines)


def _yaml(traced: Traced, path: Path) -> Document:
    try:
        return parse_yaml(traced.text, path)
    except InputError as error:
        raise InputError(_moved(error.problems, traced)) from None


def _json(traced: Traced, path: Path) -> Document:
    """JSON is nearly YAML: lines are known where it is."""
    try:
        data = json.loads(traced.text)
    except json.JSONDecodeError as error:
        raise InputError(Problem(f"not valid JSON: {error.msg.lower()}", traced.place(error.lineno))) from None
    try:
        return replace(parse_yaml(traced.text, path), data=data)
    except InputError:
        return Document(path, data)


def _moved(problems: Iterable[Problem], traced: Traced) -> Iterator[Problem]:
    """The same problems at the lines of the template instead of those of the rendered text."""
    for problem in problems:
        line = problem.place.line if problem.place else None
        message = _OTHER_LINE.sub("", problem.message)
        yield replace(problem, message=message, place=traced.place(line) if line else traced.file)


def _leaves(data: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from _leaves(value, (*keys, key))
    else:
        yield keys, data


def _dumped(data: Any, format: Format) -> str:
    if format == "json":
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    return str(yaml.safe_dump(data, sort_keys=False, default_flow_style=False, allow_unicode=True, width=1000))
