"""Laying INI files and mappings over each other: the last word wins, nothing is lost, grouping does not matter."""

from __future__ import annotations

from configparser import RawConfigParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mastic.errors import Place
from mastic.resolve.ini import Dialect, Entry, by_key, merged, parse_ini, text_of
from mastic.resolve.override import deep_merge

OSLO = Dialect(oslo=True)
SECTIONS = st.sampled_from(["DEFAULT", "database", "oslo_log"])
OPTIONS = st.sampled_from(["a", "b", "max_pool_size", "c"])
VALUES = st.text("xyz0=:,[ ", max_size=8).map(str.strip)


def line(number: int) -> Place:
    return Place("file", number)


def parsed(text: str) -> tuple[Entry, ...]:
    return parse_ini(text, OSLO, line)


@st.composite
def ini_files(draw: st.DrawFn) -> str:
    """Sections, some twice; options, some several times; comments, blank and continuation lines."""
    lines: list[str] = []
    for section in draw(st.lists(SECTIONS, max_size=4)):
        lines.append(f"[{section}]")
        for option, value, goes_on in draw(st.lists(st.tuples(OPTIONS, VALUES, st.booleans()), max_size=5)):
            lines.append(f"{option} = {value}".rstrip())
            lines += ["  more"] * goes_on
            lines += draw(st.sampled_from([[], [""], ["# note"], ["", "; note"]]))
    return "\n".join(lines) + "\n"


def meaning(entries: tuple[Entry, ...]) -> dict[tuple[str, str], list[str]]:
    return {key: [entry.value for entry in found] for key, found in by_key(entries, OSLO).items()}


def laid(*texts: str) -> tuple[Entry, ...]:
    found = parsed(texts[0])
    for text in texts[1:]:
        found = merged(found, parsed(text), OSLO)
    return found


@given(ini_files())
def test_a_file_alone_is_unchanged(text: str) -> None:
    assert text_of(parsed(text)) == text
    assert text_of(merged(parsed(text), (), OSLO)) == text


@given(ini_files(), ini_files())
def test_each_option_is_what_the_last_file_says(below: str, above: str) -> None:
    assert meaning(laid(below, above)) == meaning(parsed(below)) | meaning(parsed(above))


@given(ini_files(), ini_files())
def test_the_written_file_means_what_was_merged(below: str, above: str) -> None:
    together = laid(below, above)
    assert meaning(parsed(text_of(together))) == meaning(together)


@given(ini_files(), ini_files(), ini_files())
def test_merging_can_be_grouped(first: str, second: str, third: str) -> None:
    upper = text_of(laid(second, third))
    assert meaning(laid(first, second, third)) == meaning(laid(first, upper))


@given(ini_files(), ini_files())
def test_the_same_file_twice_changes_nothing_more(below: str, above: str) -> None:
    assert text_of(laid(below, above, above)) == text_of(laid(below, above))


@given(ini_files(), ini_files())
def test_lines_of_the_template_that_are_not_replaced_stay_in_order(below: str, above: str) -> None:
    replaced = meaning(parsed(above))
    kept = [e.lines for e in parsed(below) if e.option is None or OSLO.key(e.section, e.option) not in replaced]
    rest = iter(each.lines for each in laid(below, above))
    assert all(any(lines == other for other in rest) for lines in kept)


@given(ini_files())
def test_single_options_are_read_as_by_another_parser(text: str) -> None:
    other = RawConfigParser(strict=False, default_section="none", interpolation=None)
    other.optionxform = str  # type: ignore[method-assign,assignment]
    once = {key: found for key, found in meaning(parsed(text)).items() if len(found) == 1}
    other.read_string(text)
    assert {key: other.get(*key) for key in once} == {key: found[0] for key, found in once.items()}


MAPPINGS = st.recursive(
    st.integers() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: isinstance(value, dict))


@given(MAPPINGS, MAPPINGS)
def test_mappings_keep_what_is_said_last(below: Any, above: Any) -> None:
    assert deep_merge(deep_merge(below, above), above) == deep_merge(below, above)
    assert deep_merge(below, {}) == below
    assert deep_merge({}, above) == above


def leaves(data: Any, path: str = "") -> dict[str, Any]:
    if isinstance(data, dict) and data:
        return {key: leaf for name, part in data.items() for key, leaf in leaves(part, f"{path}.{name}").items()}
    return {path: data}


@given(MAPPINGS, MAPPINGS)
def test_every_leaf_said_above_is_in_force(below: Any, above: Any) -> None:
    found = deep_merge(below, above)
    for path, value in leaves(above).items():
        at = found
        for key in path.split(".")[1:]:
            at = at[key]
        assert value in (at, {})
