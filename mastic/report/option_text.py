"""Layers of a configuration file → the answer of `mastic explain` about one option of it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from mastic.errors import InputError, Problem
from mastic.model.overrides import Layer, Said
from mastic.report.explain_text import FoundFile


@dataclass(frozen=True)
class FoundOption:
    """An option of a file with what each layer says about it, the one in force last."""

    found: FoundFile
    section: str
    option: str
    layers: tuple[tuple[Layer, Said], ...]

    @property
    def values(self) -> tuple[str, ...]:
        return self.layers[-1][1].values


def found_options(found: FoundFile, layers: tuple[Layer, ...], subject: str) -> list[FoundOption]:
    """`section.option`, or `option` in every section that has it.

    Raises InputError for one that no layer says.
    """
    said = [(layer, each) for layer in layers for each in layer.said]
    keys = dict.fromkeys((each.section, plain(each.option)) for _, each in said)
    chosen = [key for key in keys if subject in (path_of(*key), key[1]) or plain(subject) == path_of(*key)]
    if not chosen:
        near = get_close_matches(subject, [path_of(*key) for key in keys], n=3, cutoff=0.4)
        hint = (
            f"did you mean {' or '.join(f'`{path}`' for path in near)}?"
            if near
            else "nothing says it: its default holds"
        )
        raise InputError(Problem(f"`{found.title}` says no option `{subject}`", hint=hint))
    return [FoundOption(found, *key, tuple((layer, each) for layer, each in said if _is(each, key))) for key in chosen]


def plain(option: str) -> str:
    """One spelling for `a-b` and `a_b`."""
    return option.replace("-", "_")


def path_of(section: str, option: str) -> str:
    return f"{section}.{option}" if section else option


def option_text(options: list[FoundOption]) -> str:
    """Each option's layers from the weakest to the one in force."""
    lines: list[str] = []
    for option in options:
        lines.append(f"{option.found.title} {_shown_name(option)} = {', '.join(option.values)}")
        for number, (layer, said) in enumerate(option.layers, 1):
            force = "  ← in force" if number == len(option.layers) else ""
            for value, place in zip(said.values, said.places, strict=True):
                lines.append(f"  {layer.level}: {value}  at {place}{force}")
    return "\n".join(lines)


def option_objects(options: list[FoundOption]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "workload": option.found.workload.id,
            "file": option.found.file.name,
            "section": option.section,
            "option": option.option,
            "values": list(option.values),
            "layers": [
                {"layer": layer.level, "places": [str(place) for place in said.places], "values": list(said.values)}
                for layer, said in option.layers
            ],
        }
        for option in options
    ]


def _is(said: Said, key: tuple[str, str]) -> bool:
    return (said.section, plain(said.option)) == key


def _shown_name(option: FoundOption) -> str:
    return f"[{option.section}] {option.option}" if option.section else option.option
