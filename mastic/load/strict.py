"""Text of a YAML file → plain data with the line of every key, and plain data → model."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from mastic.errors import InputError, Place, Problem
from mastic.load.words import problems_of

Keys = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRING_TAG = "tag:yaml.org,2002:str"
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+")


@dataclass(frozen=True)
class Document:
    """What a YAML file says, with the line of every key."""

    path: Path
    data: Any
    lines: dict[Keys, int] = field(default_factory=dict, repr=False)

    def place(self, *keys: str | int) -> Place:
        """The line where `keys` (or their nearest parent) stand."""
        for length in range(len(keys), -1, -1):
            if line := self.lines.get(keys[:length]):
                return Place(str(self.path), line)
        return Place(str(self.path))


def read_yaml(path: Path) -> Document:
    """Read one YAML file; raises InputError when it is missing, not YAML, or says a key twice."""
    return parse_yaml(_text_of(path), path)


def parse_yaml(text: str, path: Path) -> Document:
    """Plain data of YAML `text`: as YAML 1.2 has it, so `on` is a word and `0600` keeps its zero."""
    reader = _Reader(path)
    data = reader.data(_compose(text, path), ())
    if reader.problems:
        raise InputError(reader.problems)
    return Document(path, data, reader.lines)


def to_model(kind: type[Model], document: Document, subject: str, about: str = "") -> Model:
    """Check plain data against `kind`; `subject` is the word that key paths start with, `about` names the file."""
    if not isinstance(document.data, dict):
        raise InputError(
            Problem(f"{about or document.path.name} must be a list of `key: value` lines", document.place())
        )
    try:
        return kind.model_validate(document.data)
    except ValidationError as error:
        name = about or subject
        raise InputError(problems_of(error, kind, (subject, name), document.place)) from None


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(Problem(f"there is no `{path.name}`", Place(str(path)))) from None
    except UnicodeDecodeError as error:
        raise InputError(Problem(f"`{path.name}` is not UTF-8 text: {error.reason}", Place(str(path)))) from None
    except OSError as error:
        raise InputError(Problem(f"cannot read `{path.name}`: {error.strerror}", Place(str(path)))) from None


def _compose(text: str, path: Path) -> yaml.Node:
    try:
        loader = _LOADER(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = (error.problem or error.context or "cannot be read").replace("'", "`")
        line = mark.line + 1 if mark else None
        raise InputError(Problem(f"not valid YAML: {what}", Place(str(path), line), _hint(text, line))) from None
    except yaml.YAMLError as error:
        raise InputError(Problem(f"not valid YAML: {error}", Place(str(path)))) from None
    if node is None:
        raise InputError(Problem(f"`{path.name}` is empty", Place(str(path))))
    return node


def _hint(text: str, line: int | None) -> str | None:
    said = text.splitlines()[line - 1] if line and line <= len(text.splitlines()) else ""
    if "\t" in said:
        return "YAML indents with spaces, never with tabs"
    if "{{" in said and '"{{' not in said and "'{{" not in said:
        return 'put a value that starts with `{{` in quotes: "{{ … }}"'
    return "look at the indentation and the quotes of this line and the one above"


class _Reader:
    """Walks the nodes of one file, keeping lines and problems."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Keys, int] = {}
        self.problems: list[Problem] = []
        self._open: set[int] = set()

    def data(self, node: yaml.Node, keys: Keys) -> Any:
        self.lines.setdefault(keys, node.start_mark.line + 1)
        if id(node) in self._open:
            self._problem("an alias refers to itself", node)
            return None
        self._open.add(id(node))
        try:
            return self._inner(node, keys)
        finally:
            self._open.discard(id(node))

    def _inner(self, node: yaml.Node, keys: Keys) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, keys)
        if isinstance(node, yaml.SequenceNode):
            return [self.data(item, (*keys, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, keys: Keys) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                hint = 'put a value that starts with `{{` in quotes: "{{ … }}"'
                self._problem("a key must be a word", key_node, hint)
                continue
            key, line = key_node.value, key_node.start_mark.line + 1
            if key in found:
                path = ".".join(str(part) for part in (*keys, key))
                first = self.lines[(*keys, key)]
                self._problem(f"key `{path}` is said twice, first on line {first}", key_node, "keep one of the two")
                continue
            self.lines[(*keys, key)] = line
            found[key] = self.data(value_node, (*keys, key))
        return found

    def _scalar(self, node: yaml.Node) -> Any:
        text: str = node.value
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self._problem(f"the YAML tag `{node.tag}` means nothing here", node, "say the plain value")
            return text
        if getattr(node, "style", None) in ("'", '"', "|", ">"):
            return text
        if text in _WORDS:
            return _WORDS[text]
        if node.tag == _STRING_TAG and not _FLOAT.fullmatch(text):
            return text
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if _FLOAT.fullmatch(text) else text

    def _problem(self, message: str, node: yaml.Node, hint: str | None = None) -> None:
        self.problems.append(Problem(message, Place(str(self.path), node.start_mark.line + 1), hint))
