"""Template + what it sees → text with the line of the template that each of its lines came from.

Every line of a template's plain text gets an invisible mark with its place before it is rendered; afterwards the last
mark before a line's first letter tells where that line was written. A text that differs from the real one once the
marks are gone (a filter saw them) has no places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

from jinja2 import BaseLoader, Environment, Template, TemplateNotFound

from mastic.errors import Place
from mastic.model.catalogue import ServiceFolder
from mastic.resolve.render import Context, environment_with, render_file, render_source

_MARK = re.compile(r"\x01([^\x01\x02]*)\x02")
_LINE_START = re.compile(r"(?:\x01[^\x01\x02]*\x02|[ \t])*")


@dataclass(frozen=True)
class Traced:
    """A rendered text and where each of its lines was written."""

    text: str
    places: tuple[Place | None, ...]
    file: Place
    """The template itself."""

    def place(self, line: int) -> Place:
        """Where a line (from 1) was written; the template itself when that is not known."""
        return (self.places[line - 1] if 0 < line <= len(self.places) else None) or self.file


def traced_source(environment: Environment, source: str, context: Context, path: str) -> Traced:
    """A template in a file outside the catalogue, e.g. an override file; raises InputError with its line."""
    text = render_source(environment, source, context, path)
    if text == source:
        return Traced(text, tuple(Place(path, number) for number, _ in enumerate(text.splitlines(), 1)), Place(path))
    marked = render_source(environment, _marked(environment, source, path), context, path)
    return _traced(text, marked, Place(path))


def traced_file(folders: tuple[ServiceFolder, ServiceFolder], name: str, text: str, context: Context) -> Traced:
    """A template of a service folder or of the shared one; `text` is what it is known to render to."""
    file = next(str(folder.path / "templates" / name) for folder in folders if name in folder.templates)
    return _traced(text, render_file(environment_with(_MarkingLoader(folders)), name, context), Place(file))


class _MarkingLoader(BaseLoader):
    """Marked templates of a service folder, then the shared ones."""

    def __init__(self, folders: tuple[ServiceFolder, ServiceFolder]) -> None:
        self._folders = folders

    def load(self, environment: Environment, name: str, globals: MutableMapping[str, Any] | None = None) -> Template:
        for folder in self._folders:
            if name in folder.templates:
                path = str(folder.path / "templates" / name)
                code = environment.compile(_marked(environment, folder.templates[name], path), name, path)
                return environment.template_class.from_code(environment, code, globals or {}, None)
        raise TemplateNotFound(name)


def _marked(environment: Environment, source: str, path: str) -> str:
    """The template with a mark before each line of its plain text; line numbers stay as they are."""
    return "".join(_marked_tokens(environment, source, path))


def _marked_tokens(environment: Environment, source: str, path: str) -> Iterator[str]:
    for line, kind, text in environment.lex(source):
        if kind != "data":
            yield text
            continue
        for offset, part in enumerate(text.splitlines(keepends=True)):
            yield f"\x01{path}:{line + offset}\x02{part}"
        if text.endswith("\n"):
            yield f"\x01{path}:{line + text.count(chr(10))}\x02"


def _traced(text: str, marked: str, file: Place) -> Traced:
    lines = marked.splitlines()
    bare = [_MARK.sub("", line) for line in lines]
    if bare[: len(text.splitlines())] != text.splitlines():
        return Traced(text, (), file)
    return Traced(text, tuple(_written_at(line) for line in lines), file)


def _written_at(line: str) -> Place | None:
    start = _LINE_START.match(line)
    marks = _MARK.findall(start[0] if start else "")
    if not marks:
        return None
    path, _, number = marks[-1].rpartition(":")
    return Place(path, int(number))
