"""Filters of configuration templates."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import yaml
from jinja2 import TemplateRuntimeError

from mastic.resolve.scope import plain


class Refused(TemplateRuntimeError):
    """A template asked for something it cannot have; message and hint are for the operator."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def to_json(value: Any, indent: int | None = None) -> str:
    """JSON with sorted keys."""
    return json.dumps(plain(value), sort_keys=True, indent=indent, ensure_ascii=False)


def to_yaml(value: Any) -> str:
    """YAML with sorted keys, one item per line."""
    return str(yaml.safe_dump(plain(value), sort_keys=True, default_flow_style=False, allow_unicode=True, width=1000))


def b64(value: Any) -> str:
    """Base64 of text."""
    if "@@secret:" in str(value):
        raise Refused("a secret cannot be encoded: only the agent knows its value", "write the reference as it is")
    return base64.b64encode(str(value).encode()).decode()


def ini_value(value: Any) -> str:
    """A value as oslo.config reads it: lists with commas, `true` and `false`, and `$` doubled."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(ini_value(part) for part in value)
    text = str(value)
    if "\n" in text:
        raise Refused("a value of several lines does not fit into an INI file")
    return text.replace("$", "$$")


FILTERS: dict[str, Callable[..., Any]] = {"to_json": to_json, "to_yaml": to_yaml, "b64": b64, "ini_value": ini_value}
