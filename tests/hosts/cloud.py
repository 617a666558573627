"""A small cloud of its own on hosts of the harness: a catalogue of one service, tiny images, a definition."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mastic.build.builder import BuildSummary
from mastic.build.graph import ImageGraph
from mastic.execute.feed import ImageFeed
from mastic.model.goal import Goal
from mastic.model.plan import Plan
from mastic.pipeline import Means, Where, apply, destroy, plan
from mastic.report.plain import PlainReport
from mastic.undertaking import Outcome
from tests.agent.tiny_image import REFERENCE
from tests.contract.executor.world import There
from tests.generations import real_desk
from tests.hosts import lab
from tests.hosts.host import Host
from tests.hosts.lab import Lab


@dataclass(frozen=True)
class SmallCloud:
    """What an operator has: a definition, a catalogue, and the machines."""

    name: str
    folder: Path
    lab: Lab

    @property
    def where(self) -> Where:
        means = Means(build=self.build)
        return Where(
            self.folder / "cloud.yml", self.folder / "catalogue", self.folder / "state", self.folder / "password", means
        )

    def define(self, word: str = "one", hosts: tuple[str, ...] = ()) -> None:
        """All hosts of the lab, or some of them, in group control."""
        chosen = [each for each in self.lab.hosts if not hosts or each.name in hosts]
        rest = f'release: "1"\nservices: [{self.name}]\nsettings: {{{self.name}: {{word: {word}}}}}\n'
        (self.folder / "cloud.yml").write_text(definition(self.name, chosen) + rest)

    def build(
        self, graph: ImageGraph, wanted: tuple[str, ...], feed: ImageFeed, tell: object, logs: Path
    ) -> BuildSummary:
        """Every image is the tiny one; it is brought to the hosts as an operator brings a bundle."""
        saved = subprocess.run(["docker", "save", REFERENCE], check=True, capture_output=True).stdout
        for each in self.lab.hosts:
            There(each).docker("load", "--quiet", content=saved)
            for name in wanted:
                There(each).docker("tag", REFERENCE, graph.nodes[name].reference)
        for name in wanted:
            feed.ready(graph.nodes[name].reference)
        return BuildSummary({}, wanted, 0.0)

    def apply(self) -> Outcome:
        """Raises what went wrong."""
        outcome = apply(self.where, Goal(), PlainReport(), lambda wanted: True, boot=False)
        assert outcome
        return outcome

    def plan(self) -> Plan:
        return plan(self.where, Goal(), PlainReport())

    def destroy(self) -> None:
        destroy(self.where, Goal(allow_data_loss=True), PlainReport(), lambda wanted: True)

    def started(self) -> dict[str, str]:
        """Every container of every host → which it is and when it was started."""
        return self.started_on(*(each.name for each in self.lab.hosts))

    def started_on(self, *hosts: str) -> dict[str, str]:
        """The same of some hosts."""
        found = {}
        for each in hosts:
            there = There(self.lab[each])
            for name in there.docker("ps", "--format", "{{.Names}}").split():
                shown = there.docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", name)
                found[f"{name}@{each}"] = shown.strip()
        return found


def definition(cloud: str, hosts: Sequence[Host]) -> str:
    """A cloud.yml of these hosts, all in group control; its services are still to be said."""
    lines = [f"cloud: {cloud}", "hosts:"]
    for each in hosts:
        said = "".join(f"      {key}: {value}\n" for key, value in lab.variables(each).items())
        lines.append(f"  {each.name}:\n    address: {each.address()}\n    groups: [control]\n    ansible:\n{said}")
    return "\n".join(lines)


def make(name: str, folder: Path, hosts: Lab) -> SmallCloud:
    """Its catalogue is that of the tests of generations."""
    real_desk.make(folder, name)
    cloud = SmallCloud(name, folder, hosts)
    cloud.define()
    return cloud
