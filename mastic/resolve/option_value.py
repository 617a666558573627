"""A value in an oslo.config file × the declared type → what it must be, or nothing to complain about; pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from mastic.model.options import OptionType

_TRUE_OR_FALSE = {"true", "1", "on", "yes", "false", "0", "off", "no"}


def complaint(kind: OptionType, value: str) -> str | None:
    """What the value must be; None when it may be right.

    Values with a secret or a reference to another option are known only later.
    """
    if "@@secret:" in value or "$" in value:
        return None
    check = _CHECKS.get(kind.name)
    return check(kind, value.strip()) if check else None


def _boolean(_: OptionType, value: str) -> str | None:
    return None if value.lower() in _TRUE_OR_FALSE else "must be `true` or `false`"


def _integer(kind: OptionType, value: str) -> str | None:
    if value == "":
        return None
    if not re.fullmatch(r"[-+]?\d+", value):
        return "must be a whole number"
    return _within(kind, value)


def _float(kind: OptionType, value: str) -> str | None:
    if value == "":
        return None
    try:
        float(value)
    except ValueError:
        return "must be a number"
    return _within(kind, value)


def _within(kind: OptionType, value: str) -> str | None:
    if kind.choices and value not in kind.choices:
        return _one_of(kind)
    if kind.min is not None and float(value) < kind.min:
        return f"must be at least {kind.min:g}"
    if kind.max is not None and float(value) > kind.max:
        return f"must be at most {kind.max:g}"
    return None


def _string(kind: OptionType, value: str) -> str | None:
    if kind.choices:
        known = [choice or "" for choice in kind.choices]
        matches = value.lower() in [each.lower() for each in known] if kind.ignore_case else value in known
        return None if matches else _one_of(kind)
    if kind.max_length and len(value) > kind.max_length:
        return f"must have at most {kind.max_length} characters"
    if kind.regex and not re.search(kind.regex, value, re.IGNORECASE if kind.ignore_case else 0):
        return f"must match `{kind.regex}`"
    return None


def _list(kind: OptionType, value: str) -> str | None:
    """Items are separated by commas; an item that is wrong may have been cut at a comma of its own."""
    if kind.item is None or value == "":
        return None
    parts = (value.removeprefix("[").removesuffix("]") if kind.bounds else value).split(",")
    while parts:
        item, wrong = parts.pop(0), None
        while (wrong := complaint(kind.item, item)) and parts:
            item = f"{item},{parts.pop(0)}"
        if wrong:
            return f"must be a list whose items each {wrong.removeprefix('must ')}".replace("each be", "are each")
    return None


def _ipaddress(kind: OptionType, value: str) -> str | None:
    try:
        found = ipaddress.ip_address(value)
    except ValueError:
        return "must be an IP address"
    return None if kind.version in (None, found.version) else f"must be an IPv{kind.version} address"


def _hostaddress(_: OptionType, value: str) -> str | None:
    return "must be a host name or an IP address" if not value or re.search(r"[\s/]", value) else None


def _uri(_: OptionType, value: str) -> str | None:
    return None if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", value) or not value else "must be a URL"


def _one_of(kind: OptionType) -> str:
    return f"must be one of {', '.join(f'`{choice or str()}`' for choice in kind.choices)}"


_CHECKS: dict[str, Callable[[OptionType, str], str | None]] = {
    "boolean": _boolean,
    "integer": _integer,
    "port": _integer,
    "float": _float,
    "string": _string,
    "multistring": _string,
    "list": _list,
    "ipaddress": _ipaddress,
    "hostaddress": _hostaddress,
    "hostname": _hostaddress,
    "hostdomain": _hostaddress,
    "uri": _uri,
}
"""Types of oslo.config by name; any other takes any text."""
