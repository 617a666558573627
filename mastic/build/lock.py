"""A release's lock (requirements text with `# via` edges) → the part of it that each image installs; pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

PINNED = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)\s*(?:;(?P<marker>[^\\]*))?"
)
HASH = re.compile(r"^\s+--hash=(?P<hash>\S+)")
VIA = re.compile(r"^\s+#\s*(?:via\b)?\s*(?P<parent>.*)$")


@dataclass(frozen=True)
class Distribution:
    """One pinned line of the lock."""

    name: str
    version: str
    marker: str = ""
    hashes: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    """Distributions that need it; empty for a root of the lock."""

    @property
    def requirement(self) -> str:
        pin = f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")
        return " \\\n".join([pin, *(f"    --hash={value}" for value in self.hashes)])


@dataclass(frozen=True)
class Lock:
    """All distributions of a release, by normalised name."""

    distributions: dict[str, Distribution]
    needs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Distribution → what it needs directly (extras that the lock was made with included)."""

    def closure(self, roots: Iterable[str]) -> frozenset[str]:
        """The roots and everything they need; a root that the lock does not know is left out."""
        found: set[str] = set()
        waiting = [normalise(root) for root in roots]
        while waiting:
            name = waiting.pop()
            if name in self.distributions and name not in found:
                found.add(name)
                waiting += self.needs.get(name, ())
        return frozenset(found)

    def requirements(self, names: Iterable[str]) -> str:
        """Requirements text of exactly these distributions, sorted."""
        return "".join(f"{self.distributions[name].requirement}\n" for name in sorted(names))


def parse_lock(text: str) -> Lock:
    """Read what `uv pip compile --generate-hashes --annotation-style split` wrote."""
    parts: dict[str, tuple[re.Match[str], list[str], list[str]]] = {}
    hashes: list[str] = []
    via: list[str] = []
    for line in text.splitlines():
        if pinned := PINNED.match(line):
            hashes, via = [], []
            parts[normalise(pinned["name"])] = (pinned, hashes, via)
        elif found := HASH.match(line):
            hashes.append(found["hash"])
        elif (parent := VIA.match(line)) and parent["parent"] and not parent["parent"].startswith("-"):
            via.append(normalise(parent["parent"]))
    distributions = {name: distribution(name, *part) for name, part in parts.items()}
    return Lock(distributions, edges(distributions))


def distribution(name: str, pinned: re.Match[str], hashes: list[str], via: list[str]) -> Distribution:
    return Distribution(name, pinned["version"], (pinned["marker"] or "").strip(), tuple(hashes), tuple(via))


def edges(distributions: dict[str, Distribution]) -> dict[str, tuple[str, ...]]:
    """Turn `via` around: who needs what."""
    needs: dict[str, list[str]] = defaultdict(list)
    for item in distributions.values():
        for parent in item.via:
            needs[parent].append(item.name)
    return {name: tuple(found) for name, found in needs.items()}


def normalise(root: str) -> str:
    """`glance_store[cinder,s3]` → `glance-store`, as package indexes compare names."""
    return re.sub(r"[-_.]+", "-", root.partition("[")[0].strip()).lower()
