"""Text of cloud.yml → the same with a volume at another place; comments and order stay as they are."""

from __future__ import annotations

import re

import yaml

from mastic.errors import InputError, Place, Problem

_HEAD = re.compile(r"volumes:\s*(#.*)?$")


def with_volume(text: str, name: str, path: str, where: str) -> str:
    """`volumes: {name: path}` said in the text. Raises InputError where only a person can say it."""
    lines = text.splitlines()
    head = next((number for number, line in enumerate(lines) if _HEAD.match(line)), None)
    if head is None:
        lines += ["", "volumes:", f"  {name}: {path}"]
    else:
        _place(lines, head, name, path)
    changed = "\n".join(lines) + "\n"
    if not _says(text, changed, name, path):
        message = f"cannot write the new place of volume `{name}` into this file"
        raise InputError(Problem(message, Place(where), f"say `{name}: {path}` under `volumes`, then `mastic apply`"))
    return changed


def _place(lines: list[str], head: int, name: str, path: str) -> None:
    number = head + 1
    while number < len(lines) and lines[number].startswith((" ", "#")):
        if re.match(rf"\s+{re.escape(name)}:", lines[number]):
            indent = lines[number][: -len(lines[number].lstrip())]
            lines[number] = f"{indent}{name}: {path}"
            return
        number += 1
    beside = re.match(r"\s+", lines[head + 1]) if head + 1 < len(lines) else None
    lines.insert(head + 1, f"{beside[0] if beside else '  '}{name}: {path}")


def _says(before: str, after: str, name: str, path: str) -> bool:
    """Whether just this was changed."""
    try:
        old, new = yaml.safe_load(before), yaml.safe_load(after)
    except yaml.YAMLError:
        return False
    wanted = {**old, "volumes": {**(old.get("volumes") or {}), name: path}}
    return bool(new == wanted)
