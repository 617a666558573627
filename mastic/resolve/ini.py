"""Text of an INI file ↔ its lines by section and option, and one such file laid over another; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mastic.errors import InputError, Place, Problem

Key = tuple[str, str]
"""Section and option, spelt as the reader of the file compares them."""


@dataclass(frozen=True)
class Entry:
    """An option with its continuation lines, a section's header, or a line that says nothing."""

    section: str
    lines: tuple[str, ...]
    number: int
    """Line of the file, from 1."""
    option: str | None = None
    value: str = ""
    is_header: bool = False


@dataclass(frozen=True)
class Dialect:
    """How the reader of a file takes it."""

    oslo: bool = False
    """oslo.config: `a-b` is `a_b`, sections are compared in lower case, every option has a section and a value."""

    def key(self, section: str, option: str) -> Key:
        if not self.oslo:
            return section, option
        return section if section == "DEFAULT" else section.lower(), option.replace("-", "_")


def parse_ini(text: str, dialect: Dialect, place: Callable[[int], Place]) -> tuple[Entry, ...]:
    """Every line of the file, in order; raises InputError with all lines that cannot be understood."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    section, goes_on = "", False
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if goes_on and bare and line[0] in " \t":
            entries[-1] = _continued(entries[-1], line)
            continue
        goes_on = False
        if not bare or bare[0] in "#;":
            entries.append(Entry(section, (line,), number))
        elif bare[0] == "[":
            section = bare[1:].partition("]")[0].strip()
            if not section or "]" not in bare:
                problems.append(Problem(f"`{bare}` is not the header of a section", place(number), "write `[name]`"))
            entries.append(Entry(section, (line,), number, is_header=True))
        else:
            entries.append(_option(section, bare, number))
            problems += _wrong(entries[-1], bare, dialect, place(number))
            goes_on = True
    if problems:
        raise InputError(problems)
    return tuple(entries)


def text_of(entries: Iterable[Entry]) -> str:
    """The file again."""
    return "".join(f"{line}\n" for entry in entries for line in entry.lines)


def merged(base: tuple[Entry, ...], over: tuple[Entry, ...], dialect: Dialect) -> tuple[Entry, ...]:
    """`over` laid on `base`: an option replaces all lines of the same option, in its first place.

    New options stand at the end of their section, new sections at the end of the file; comments of `over` are dropped.
    """
    said = by_key(over, dialect)
    left = dict(said)
    found: list[Entry] = []
    for entry in base:
        key = dialect.key(entry.section, entry.option) if entry.option is not None else None
        if key in said and key is not None:
            found += left.pop(key, [])
        else:
            found.append(entry)
    for (section, _), entries in left.items():
        _add(found, section, entries, dialect)
    return tuple(found)


def by_key(entries: Iterable[Entry], dialect: Dialect) -> dict[Key, list[Entry]]:
    """The options of a file, in order of first appearance; several lines of one option make a list."""
    found: dict[Key, list[Entry]] = {}
    for entry in entries:
        if entry.option is not None:
            found.setdefault(dialect.key(entry.section, entry.option), []).append(entry)
    return found


def _add(found: list[Entry], section: str, entries: list[Entry], dialect: Dialect) -> None:
    """Put options that the file does not have at the end of their section."""
    at = [index for index, each in enumerate(found) if dialect.key(each.section, "") == (section, "") and _says(each)]
    if not at and section:
        gap = [Entry(found[-1].section, ("",), 0)] if found and _says(found[-1]) else []
        found += [*gap, Entry(section, (f"[{entries[0].section}]",), 0, is_header=True), *entries]
        return
    index = at[-1] + 1 if at else 0
    found[index:index] = entries


def _says(entry: Entry) -> bool:
    return entry.is_header or entry.option is not None


def _option(section: str, bare: str, number: int) -> Entry:
    """`name = value` or `name: value`, or a name alone."""
    at = min((index for sign in "=:" if (index := bare.find(sign)) >= 0), default=len(bare))
    name, value = bare[:at].strip(), bare[at + 1 :].strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return Entry(section, (bare,), number, option=name, value=value)


def _continued(entry: Entry, line: str) -> Entry:
    value = f"{entry.value}\n{line.strip()}"
    return Entry(entry.section, (*entry.lines, line.rstrip()), entry.number, entry.option, value)


def _wrong(entry: Entry, bare: str, dialect: Dialect, place: Place) -> Iterator[Problem]:
    if not entry.option:
        yield Problem(f"`{bare}` names no option", place, "write `name = value`")
    elif dialect.oslo and not entry.section:
        yield Problem(f"`{entry.option}` stands before any section", place, "put it under `[DEFAULT]` or its section")
    elif dialect.oslo and "=" not in bare and ":" not in bare:
        yield Problem(f"`{entry.option}` has no value", place, f"write `{entry.option} = …`")
