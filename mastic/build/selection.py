"""Words of a command line → names of images of the graph; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from mastic.build.graph import ImageGraph
from mastic.errors import InputError, Problem, did_you_mean


@dataclass(frozen=True)
class Selection:
    """Which images are asked for; nothing said means all."""

    patterns: tuple[str, ...] = ()
    """Each a name, else a shell pattern, else a regular expression over a whole name."""
    profiles: tuple[str, ...] = ()
    """Services, or kinds of services: all their images."""
    parents: bool = True
    """What the chosen images need belongs to the choice."""

    def of(self, graph: ImageGraph, kinds: Mapping[str, str]) -> tuple[str, ...]:
        """Names of the chosen images, parents first; `kinds`: service → its kind.

        Raises InputError with every pattern and profile that matches nothing.
        """
        found, problems = Found(), []
        for pattern in self.patterns:
            problems += found.add(matches(pattern, graph.nodes), unknown_pattern(pattern, graph.nodes))
        for profile in self.profiles:
            problems += found.add(members(profile, graph, kinds), unknown_profile(profile, graph, kinds))
        if problems:
            raise InputError(problems)
        if not self.patterns and not self.profiles:
            return tuple(graph.nodes)
        if self.parents:
            return tuple(node.name for node in graph.with_ancestors(tuple(found.names)))
        return tuple(name for name in graph.nodes if name in found.names)


@dataclass
class Found:
    """Names collected so far."""

    names: set[str] = field(default_factory=set)

    def add(self, names: Iterable[str], otherwise: Problem) -> list[Problem]:
        """Add the names; when there are none, the problem."""
        new = set(names)
        self.names |= new
        return [] if new else [otherwise]


def matches(pattern: str, known: Iterable[str]) -> list[str]:
    """Names that a pattern means: the first way of reading it that matches anything counts."""
    names = list(known)
    if pattern in names:
        return [pattern]
    if found := [name for name in names if fnmatchcase(name, pattern)]:
        return found
    try:
        expression = re.compile(pattern)
    except re.error:
        return []
    return [name for name in names if expression.fullmatch(name)]


def members(profile: str, graph: ImageGraph, kinds: Mapping[str, str]) -> list[str]:
    return [node.name for node in graph.nodes.values() if profile in (node.service, kinds.get(node.service))]


def unknown_pattern(pattern: str, known: Iterable[str]) -> Problem:
    names = sorted(known)
    hint = did_you_mean(pattern, names) or f"images of this cloud: {', '.join(names)}"
    return Problem(f"no image matches `{pattern}`", hint=hint)


def unknown_profile(profile: str, graph: ImageGraph, kinds: Mapping[str, str]) -> Problem:
    services = {node.service for node in graph.nodes.values()}
    known = sorted(services | {kinds[service] for service in services if service in kinds})
    return Problem(
        f"no image in profile `{profile}`", hint=did_you_mean(profile, known) or f"profiles: {', '.join(known)}"
    )
