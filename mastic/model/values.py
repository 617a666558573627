"""Value of an option → the value templates see, checked against its declaration."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from mastic.model.service import Setting

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?")
_FACTORS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Misfit(Exception):
    """The value is not what the option takes; the text says what it must be."""


def is_template(value: Any) -> bool:
    """Whether a declared value still has to be rendered."""
    if isinstance(value, dict):
        return any(is_template(part) for part in value.values())
    if isinstance(value, list | tuple):
        return any(is_template(part) for part in value)
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def fit(setting: Setting, value: Any) -> Any:
    """`value` as templates see it (sizes in bytes); raises Misfit with what it must be. None stays None.

    An option whose default is empty text may be empty, whatever its type.
    """
    if value is None or (value == "" and setting.default == ""):
        return value
    fitted = _FITS[setting.type](value)
    if setting.type == "choice" and fitted not in setting.choices:
        raise Misfit(f"must be one of {', '.join(f'`{choice}`' for choice in setting.choices)}")
    _check_range(setting, fitted)
    return fitted


def _check_range(setting: Setting, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if setting.minimum is not None and value < setting.minimum:
        raise Misfit(f"must be at least {setting.minimum:g}")
    if setting.maximum is not None and value > setting.maximum:
        raise Misfit(f"must be at most {setting.maximum:g}")


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise Misfit("must be text")


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    raise Misfit("must be a whole number")


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value)
    raise Misfit("must be a number")


def _boolean(value: Any) -> bool:
    known = {True: True, False: False, "True": True, "true": True, "False": False, "false": False}
    if isinstance(value, bool | str) and value in known:
        return known[value]
    raise Misfit("must be `true` or `false`")


def _port(value: Any) -> int:
    port = _integer(value)
    if 1 <= port <= 65535:
        return port
    raise Misfit("must be a port number from 1 to 65535")


def _list(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    raise Misfit("must be a list")


def _address(value: Any) -> str:
    try:
        return str(ipaddress.ip_address(_string(value)))
    except ValueError:
        raise Misfit("must be an IP address such as `192.0.2.10`") from None


def _cidr(value: Any) -> str:
    text = _string(value)
    try:
        if "/" in text:
            return str(ipaddress.ip_network(text))
        raise ValueError
    except ValueError:
        raise Misfit("must be a network such as `192.0.2.0/24`, without host bits") from None


def _size(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
        return int(float(match[1]) * _FACTORS[match[2]])
    raise Misfit("must be a size such as `512 MiB` or `2G`")


_FITS: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "port": _port,
    "choice": _string,
    "list": _list,
    "address": _address,
    "cidr": _cidr,
    "size": _size,
}
