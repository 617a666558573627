"""YAML as operators write it → plain data with lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mastic.errors import InputError
from mastic.load.strict import parse_yaml

FILE = Path("some.yml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("0600", "0600"),
        ("600", 600),
        ("1:30", "1:30"),
        ("2026.2", 2026.2),
        ('"2026.2"', "2026.2"),
        ("1e3", 1000.0),
        ("2026-01-01", "2026-01-01"),
        ("~", None),
        ("", None),
        ("!!str 12", "12"),
        ("-7", -7),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = parse_yaml(f"key: {text}\n", FILE).data["key"]
    assert found == value and type(found) is type(value)


def test_every_key_and_item_has_its_line() -> None:
    document = parse_yaml("a:\n  b: 1\n  c:\n    - x\n    - {y: 2}\n", FILE)
    assert document.data == {"a": {"b": 1, "c": ["x", {"y": 2}]}}
    assert document.lines[("a", "b")] == 2
    assert document.lines[("a", "c", 1, "y")] == 5
    assert str(document.place("a", "c", 7)) == "some.yml:3"


def test_an_alias_is_the_same_value() -> None:
    assert parse_yaml("a: &x [1, 2]\nb: *x\n", FILE).data == {"a": [1, 2], "b": [1, 2]}


def test_an_alias_to_itself_is_told() -> None:
    with pytest.raises(InputError, match="refers to itself"):
        parse_yaml("a: &x [*x]\n", FILE)


def test_every_key_said_twice_is_told() -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml("a: 1\na: 2\nb: {c: 1, c: 2}\n", FILE)
    assert [str(problem.place) for problem in caught.value.problems] == ["some.yml:2", "some.yml:3"]


@given(st.text(max_size=60))
def test_any_text_is_data_or_a_problem(text: str) -> None:
    try:
        parse_yaml(text, FILE)
    except InputError as error:
        assert error.problems
