"""Override files × options that images declare: nothing starts with an option that its program does not take.

Images that stand are asked before anything is changed; one that is still to be built is asked right after its build,
before any container hears that it is ready.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mastic.build.options import SCRIPT, OptionStore
from mastic.errors import BuildError, InputError, Problem
from mastic.model.catalogue import Catalogue
from mastic.model.desired import Desired
from mastic.report.report import Report
from mastic.resolve.context import option_source_of
from mastic.resolve.option_check import Findings, Knowledge, check_options, images_to_ask


class Feed(Protocol):
    """Who is told that an image stands, or never will."""

    def ready(self, reference: str) -> None: ...

    def failed(self, reference: str, why: str) -> None: ...


@dataclass
class OptionGate:
    """What is known about the options of a cloud's images, and what that says about its override files."""

    catalogue: Catalogue
    desired: Desired
    store: OptionStore
    known: dict[str, Knowledge] = field(default_factory=dict)

    def findings(self, only: tuple[str, ...] = ()) -> Findings:
        """Ask the images that are not known yet (`only` these), and check every option."""
        names = {reference: name for name, reference in self.desired.images.items()}
        asked = [each for each in images_to_ask(self.desired) if each not in self.known and (not only or each in only)]
        with ThreadPoolExecutor(os.cpu_count() or 2, thread_name_prefix="options") as pool:
            for known in pool.map(lambda reference: self._ask(reference, names[reference]), asked):
                self.known |= known
        return check_options(self.desired, self.known)

    def _ask(self, reference: str, image: str) -> dict[str, Knowledge]:
        source = option_source_of(self.catalogue, image)
        declared = self.store.read(reference, source) if source else None
        return {reference: Knowledge(image, declared, source)} if source and declared is not None else {}


def option_gate(catalogue: Catalogue, desired: Desired, state: Path) -> OptionGate:
    """A gate that keeps what images declare in the cloud's state."""
    return OptionGate(catalogue, desired, OptionStore(state / "options", catalogue.shared.image_files.get(SCRIPT, b"")))


def check_overrides(gate: OptionGate, report: Report) -> None:
    """Check the override files as far as images stand; raises InputError with all that is wrong, changing nothing."""
    if not images_to_ask(gate.desired):
        return
    findings = gate.findings()
    if findings.errors:
        raise InputError(findings.errors)
    for problem in findings.warnings:
        report.say(str(problem).replace("error:", "warning:", 1))
    if findings.unread:
        names = sorted(name for name, reference in gate.desired.images.items() if reference in findings.unread)
        listed = ", ".join(f"`{name}`" for name in names)
        report.say(f"options for {listed} are checked when the image is built, before a container starts with them")


def gated(build: Callable[..., Any], gate: OptionGate) -> Callable[..., Any]:
    """`build_images`, but an image whose override files are wrong is announced as failed; raises BuildError then."""

    def build_and_check(graph: Any, wanted: tuple[str, ...], feed: Feed, *rest: Any) -> Any:
        checked = CheckedFeed(feed, gate)
        summary = build(graph, wanted, checked, *rest)
        if checked.problems:
            raise BuildError(dict.fromkeys(checked.problems))
        return summary

    return build_and_check


@dataclass
class CheckedFeed:
    """Lets the news of an image through only when the override files are right for it."""

    feed: Feed
    gate: OptionGate
    problems: list[Problem] = field(default_factory=list)

    def ready(self, reference: str) -> None:
        is_asked = reference in images_to_ask(self.gate.desired) and reference not in self.gate.known
        found = self.gate.findings((reference,)).errors if is_asked else []
        if not found:
            self.feed.ready(reference)
            return
        self.problems += found
        self.feed.failed(reference, "override files say options that it does not take")

    def failed(self, reference: str, why: str) -> None:
        self.feed.failed(reference, why)
