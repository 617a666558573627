"""Template + what it sees → text, or a Problem with the template's file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any

from jinja2 import (
    BaseLoader,
    Environment,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
    UndefinedError,
)
from jinja2.environment import TemplateExpression
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from mastic.errors import InputError, Place, Problem, did_you_mean
from mastic.model.catalogue import ServiceFolder
from mastic.model.values import is_template
from mastic.resolve.filters import FILTERS, Refused
from mastic.resolve.scope import Scope

Context = Mapping[str, Any]
_ONE_EXPRESSION = re.compile(r"\s*\{\{((?:(?!\{\{|\}\}).)*)\}\}\s*", re.DOTALL)

_PLAIN_WORDS = {"str": "text", "int": "number", "float": "number", "NoneType": "nothing", "bool": "truth value"}
_PLAIN_WORDS |= {"dict": "mapping", "Scope": "mapping", "tuple": "list"}


class NameMissing(UndefinedError):
    """A template used a name that is not there."""

    def __init__(self, owner: Any, name: Any, message: str | None) -> None:
        super().__init__(message)
        self.owner = owner
        self.name = name


class _Strict(StrictUndefined):
    """Undefined that remembers what was asked for."""

    def __init__(self, hint: str | None = None, obj: Any = missing, name: str | None = None, exc: Any = None) -> None:
        super().__init__(hint, obj, name)
        failure: Callable[[str | None], NameMissing] = lambda message: NameMissing(obj, name, hint or message)  # noqa: E731
        self._undefined_exception = failure  # type: ignore[assignment]


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja in which an entry of a scope wins over a method of the same name."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Scope):
            return obj[attribute] if attribute in obj else self._method(obj, attribute)
        return super().getattr(obj, attribute)

    def _method(self, obj: Scope, attribute: str) -> Any:
        if attribute in ("items", "keys", "values", "get"):
            return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)


class _FolderLoader(BaseLoader):
    """Templates of a service folder, then those of `_shared`; compiled once per process."""

    def __init__(self, folder: ServiceFolder, shared: ServiceFolder) -> None:
        self._folders = (folder, shared)

    def load(self, environment: Environment, name: str, globals: MutableMapping[str, Any] | None = None) -> Template:
        for folder in self._folders:
            if name in folder.templates:
                code = _compiled(folder.templates[name], name, str(folder.path / "templates" / name))
                return environment.template_class.from_code(environment, code, globals or {}, None)
        raise TemplateNotFound(name)

    def list_templates(self) -> list[str]:
        return sorted({name for folder in self._folders for name in folder.templates})


def environment_of(folder: ServiceFolder, shared: ServiceFolder) -> Environment:
    """Where templates of one service are rendered."""
    return environment_with(_FolderLoader(folder, shared))


def render_file(environment: Environment, name: str, context: Context) -> str:
    """Text of a template file; raises InputError with the line of the template."""
    with _telling(context, None):
        return environment.get_template(name).render(context)


def render_source(environment: Environment, source: str, context: Context, path: str) -> str:
    """Text of a template that stands in a file outside the catalogue; raises InputError with its line."""
    with _telling(context, None, path):
        code = _compiled(source, path, path)
        return Template.from_code(environment, code, environment.make_globals(None), None).render(context)


def render_text(environment: Environment, source: str, context: Context, place: Place) -> str:
    """Text of a template said in a YAML file at `place`; raises InputError."""
    if not is_template(source):
        return source
    with _telling(context, place):
        code = _compiled(source, "<template>", "<template>")
        return Template.from_code(environment, code, environment.make_globals(None), None).render(context)


def render_value(environment: Environment, value: Any, context: Context, place: Place) -> Any:
    """`value` with every template in it rendered; a text that is one `{{ … }}` keeps the expression's type."""
    if isinstance(value, Mapping):
        return {key: render_value(environment, part, context, place) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [render_value(environment, part, context, place) for part in value]
    if not isinstance(value, str) or not is_template(value):
        return value
    if match := _ONE_EXPRESSION.fullmatch(value):
        return evaluate(match[1].strip(), context, place)
    return render_text(environment, value, context, place)


def evaluate(expression: str, context: Context, place: Place) -> Any:
    """Value of a Jinja expression without braces; raises InputError."""
    with _telling(context, place):
        value = _expression(expression)(context)
        if isinstance(value, Undefined):
            str(value)
        return value


def is_wanted(expression: str | None, context: Context, place: Place) -> bool:
    """Whether an `if` holds; raises InputError when it cannot be told."""
    return expression is None or bool(evaluate(expression, context, place))


def environment_with(loader: BaseLoader | None) -> Environment:
    """A sandbox with our filters, in which an undefined name is an error."""
    environment = _Sandbox(
        loader=loader, undefined=_Strict, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(FILTERS)
    return environment


_BASE = environment_with(None)


@lru_cache(maxsize=4096)
def _compiled(source: str, name: str, filename: str) -> CodeType:
    return _BASE.compile(source, name, filename)


@lru_cache(maxsize=4096)
def _expression(source: str) -> TemplateExpression:
    return _BASE.compile_expression(source, undefined_to_none=False)


@contextmanager
def _telling(context: Context, place: Place | None, path: str | None = None) -> Iterator[None]:
    """Turn what goes wrong in a template into a Problem at the template's line (`path`: file outside the catalogue),
    or at `place`."""
    try:
        yield
    except TemplateSyntaxError as error:
        line = place or Place(error.filename or error.name or "template", error.lineno)
        raise InputError(Problem(f"the template cannot be read: {error.message}", line)) from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        message, hint = _explained(error, context)
        lines = _lines_of(error.__traceback__, path)
        if len(lines) > 1 and lines[0].where != lines[-1].where:
            hint = f"{hint or 'look at the caller'} (reached from {lines[0]})"
        raise InputError(Problem(message, lines[-1] if lines else place, hint)) from None


def _explained(error: Exception, context: Context) -> tuple[str, str | None]:
    """Message and hint for what went wrong while a template was rendered."""
    if isinstance(error, NameMissing):
        return _missing(error, context)
    if isinstance(error, Refused):
        return str(error.message), error.hint
    if isinstance(error, TemplateNotFound):
        return f"there is no template `{error.name}` to import", None
    words = re.sub(r"[\w.]+", lambda word: _PLAIN_WORDS.get(word[0], word[0]), str(error))
    return f"the template fails: {words}", None


def _missing(error: NameMissing, context: Context) -> tuple[str, str | None]:
    """Message and hint for a name that is not there."""
    owner, name = error.owner, error.name
    if name is None:
        return f"the template fails: {error.message}", None
    if owner is missing:
        return f"`{name}` is not defined", did_you_mean(str(name), context)
    known = _names_in(owner)
    label = f"{owner.label}." if isinstance(owner, Scope) else ""
    message = f"`{label}{name}` is not defined"
    near = did_you_mean(str(name), known)
    if near and label:
        near = near.replace("`", f"`{label}", 1)
    listed = ", ".join(f"`{each}`" for each in sorted(known)[:12])
    return message, near or (f"`{label.rstrip('.') or 'it'}` has {listed}" if known else "it has nothing in it")


def _names_in(owner: Any) -> list[str]:
    if isinstance(owner, Mapping):
        return [str(key) for key in owner]
    if is_dataclass(owner):
        return [field.name for field in fields(owner)]
    return []


def _lines_of(traceback: TracebackType | None, path: str | None) -> list[Place]:
    """Lines of template files in a traceback that Jinja rewrote, the innermost last."""
    found = []
    while traceback is not None:
        filename = traceback.tb_frame.f_code.co_filename
        if filename == path or ("templates" in Path(filename).parts and not filename.endswith(".py")):
            found.append(Place(filename, traceback.tb_lineno))
        traceback = traceback.tb_next
    return found
