"""BuildSummary → what `mastic build` says about every image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mastic.build.builder import BuildSummary
from mastic.build.engine import ImageFacts
from mastic.build.graph import ImageGraph, ImageNode
from mastic.report.progress import columns, duration

STATES = ("built", "reused", "failed", "skipped")


@dataclass(frozen=True)
class Outcome:
    """What became of one image."""

    name: str
    reference: str
    state: str
    """One of STATES."""
    seconds: float = 0.0
    bytes: int = 0
    """Size with everything it stands on; 0 when it does not stand."""
    id: str = ""
    """Digest of the image's configuration, which names all its layers."""
    why: str = ""
    log: str = ""

    @property
    def stands(self) -> bool:
        return self.state in ("built", "reused")


def outcomes(
    graph: ImageGraph, chosen: tuple[str, ...], summary: BuildSummary, facts: Mapping[str, ImageFacts], logs: Path
) -> list[Outcome]:
    """One per chosen image and per other image that was touched on the way, in the graph's order."""
    touched = {*chosen, *summary.built, *summary.failed, *summary.skipped}
    return [outcome(node, summary, facts, logs) for name, node in graph.nodes.items() if name in touched]


def outcome(node: ImageNode, summary: BuildSummary, facts: Mapping[str, ImageFacts], logs: Path) -> Outcome:
    name, reference = node.name, node.reference
    log = str(logs / f"{name}.log")
    known: Any = {"bytes": facts[reference].bytes, "id": facts[reference].id} if reference in facts else {}
    if name in summary.failed:
        return Outcome(name, reference, "failed", why=summary.failed[name].message, log=log)
    if name in summary.skipped:
        return Outcome(name, reference, "skipped", why=summary.skipped[name].message)
    if name in summary.built:
        return Outcome(name, reference, "built", summary.built[name], log=log, **known)
    return Outcome(name, reference, "reused", **known)


def counts(found: Iterable[Outcome]) -> dict[str, int]:
    states = [each.state for each in found]
    return {state: states.count(state) for state in STATES}


def summary_lines(found: list[Outcome], summary: BuildSummary) -> list[str]:
    """A row for every image that was not simply there, and the counts."""
    rows = [
        (
            each.state,
            each.name,
            duration(each.seconds) if each.seconds else "",
            megabytes(each.bytes),
            first_line(each.why),
        )
        for each in found
        if each.state != "reused"
    ]
    said = ", ".join(f"{number} {state}" for state, number in counts(found).items() if number)
    return [*columns(rows), f"{said or 'nothing asked for'} in {duration(summary.seconds)}"]


def summary_object(found: list[Outcome], summary: BuildSummary) -> dict[str, Any]:
    """The same for programs."""
    images = {each.name: {key: value for key, value in asdict(each).items() if key != "name"} for each in found}
    return {"images": images, "counts": counts(found), "seconds": round(summary.seconds, 3)}


def list_lines(nodes: Iterable[ImageNode]) -> list[str]:
    return columns([(node.name, node.service, node.reference) for node in nodes], indent="")


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size else ""


def first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""
