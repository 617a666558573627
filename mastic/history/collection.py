"""History × how many generations to keep → what nothing needs any more (`mastic gc`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mastic.history.history import History
from mastic.model.generation import Generation


@dataclass(frozen=True)
class Surplus:
    """What can go of the history, and what the rest still needs."""

    generations: tuple[int, ...]
    runs: tuple[str, ...]
    needed_secrets: dict[str, frozenset[int]]
    """Secret → versions that kept generations refer to."""


def surplus(history: History, keep: int) -> Surplus:
    """All but the last `keep` generations and the runs since the first of them; one that stands is always kept."""
    numbers = history.generations()
    kept = set(numbers[-max(1, keep) :])
    standing = [head.number for head in history.heads() if head.stands]
    kept |= set(standing[-1:])
    first = min((history.head(number).run for number in kept), default="")
    generations = tuple(number for number in numbers if number not in kept)
    runs = tuple(run for run in history.runs() if generations and run < first)
    return Surplus(
        generations, runs, _versions(history.generation(number) for number in filter(history.is_whole, sorted(kept)))
    )


def _versions(generations: Iterable[Generation]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for generation in generations:
        for name, version in generation.desired.secret_versions.items():
            found.setdefault(name, set()).add(version)
    return {name: frozenset(versions) for name, versions in found.items()}
