"""A desk: a small catalogue, a cloud definition, a state folder; hosts in memory unless others are said."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mastic.build.builder import BuildSummary
from mastic.build.graph import ImageGraph
from mastic.execute.executor import Executor
from mastic.execute.fake import FakeExecutor
from mastic.execute.feed import ImageFeed
from mastic.history.history import History
from mastic.model.goal import Goal
from mastic.model.plan import Plan
from mastic.model.run import Event
from mastic.pipeline import Means, Where, plan
from mastic.report.plain import PlainReport, Streams
from mastic.returning import Change, apply_or_return
from mastic.undertaking import Outcome

HOST = "here"
SHARED = """
service: shared
summary: Base
kind: shared
images:
  base: {from: scratch, bootstrap: true, packages: {debian: []}}
"""
STORE = """
service: store
summary: Keeps things
kind: infrastructure
images:
  store: {from: base, user: root}
settings:
  size: {type: integer, default: 1, help: How much}
secrets:
  store_password: {type: password, help: Opens it}
provides:
  storage: {help: A place for things}
workloads:
  store:
    image: store
    place: {group: control}
    command: serve
    user: root
    root_reason: it is only a test
    files:
      - {template: store.conf, to: /etc/store.conf}
    volumes: [{name: store, to: /data}]
jobs:
  fill: {in: store, when: once, run: fill, after: []}
"""
FRONT = """
service: front
summary: Shows things
kind: infrastructure
images:
  front: {from: base, user: root}
settings:
  colour: {type: string, default: red, help: Of the page}
requires:
  storage: {}
workloads:
  front:
    image: front
    place: {group: control}
    command: serve
    user: root
    root_reason: it is only a test
    files:
      - {template: front.conf, to: /etc/front.conf}
    health: {command: cat /ready, seconds: 10}
checks:
  page: {help: The page is there, in: front, run: look}
"""
TEMPLATES = {
    "store": "size {{ settings.size }} {{ secret('store_password') }}\n",
    "front": "colour {{ settings.colour }}\n",
}
CLOUD = """
cloud: {cloud}
release: "1"
hosts:
  here: {{groups: [control]}}
services: [{services}]
settings: {{{settings}}}
"""


@dataclass
class Desk:
    """What an operator sits at; `fake` is the world that `Means` reach."""

    folder: Path
    cloud: str = "desk"
    fake: FakeExecutor = field(default_factory=lambda: FakeExecutor((HOST,)))
    executor: Callable[[str, Path], Executor] | None = None
    on_event: Callable[[Event], None] = lambda event: None
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_catalogue(self.folder / "catalogue")
        self.define()

    @property
    def where(self) -> Where:
        means = Means(self.executor or (lambda cloud, state: self.fake), build)
        folder = self.folder
        return Where(folder / "cloud.yml", folder / "catalogue", folder / "state", folder / "password", means)

    @property
    def state(self) -> Path:
        return self.folder / "state" / self.cloud

    @property
    def history(self) -> History:
        """As a new process reads it."""
        return History(self.state / "history")

    def define(self, services: str = "store, front", settings: str = "") -> None:
        """Write the cloud definition."""
        text = CLOUD.format(cloud=self.cloud, services=services, settings=settings)
        (self.folder / "cloud.yml").write_text(text)

    def template(self, service: str, text: str) -> None:
        """Change a template of the catalogue."""
        (self.folder / "catalogue" / service / "templates" / f"{service}.conf").write_text(text)

    def report(self) -> PlainReport:
        desk = self

        class Told(PlainReport):
            def event(self, event: Event) -> None:
                super().event(event)
                desk.on_event(event)

        return Told(Streams(self.out, self.err), clock=lambda: 0.0)

    def plan(self) -> Plan:
        return plan(self.where, Goal(), self.report())

    def apply(self, auto_rollback: bool = False, change: Change | None = None) -> Outcome:
        """Apply, approving everything."""
        change = change or Change(boot=False)
        outcome = apply_or_return(self.where, change, self.report(), lambda plan: True, lambda *_: auto_rollback)
        assert outcome is not None
        return outcome

    def facts(self) -> object:
        """What stands on the host, without what differs between any two runs: ids and times."""
        seen = self.fake.hosts[HOST]
        containers = {name: (c.spec_digest, c.files_digest, c.image, c.state) for name, c in seen.containers.items()}
        jobs = {name: (stamp.digest, sorted(stamp.volumes)) for name, stamp in seen.jobs.items()}
        return containers, seen.files, sorted(seen.contents), sorted(seen.volumes), jobs


def write_catalogue(folder: Path) -> None:
    for name, text in (("_shared", SHARED), ("store", STORE), ("front", FRONT)):
        templates = folder / name / "templates"
        templates.mkdir(parents=True)
        (folder / name / "service.yml").write_text(text)
        if name in TEMPLATES:
            (templates / f"{name}.conf").write_text(TEMPLATES[name])
    (folder / "_shared" / "locks").mkdir()
    (folder / "_shared" / "locks" / "1.txt").write_text("")
    (folder / "_shared" / "users.yml").write_text("root: [0, 0]\n")
    dockerfile = folder / "_shared" / "image"
    dockerfile.mkdir()
    (dockerfile / "Dockerfile.j2").write_text("FROM {{ parent }}\n")


def build(graph: ImageGraph, wanted: tuple[str, ...], feed: ImageFeed, tell: object, logs: Path) -> BuildSummary:
    """Every image stands at once."""
    for name in wanted:
        feed.ready(graph.nodes[name].reference)
    return BuildSummary({}, wanted, 0.0)
