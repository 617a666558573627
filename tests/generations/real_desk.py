"""A desk whose host is this machine and whose controller is a process of its own, to be killed.

`python -m tests.generations.real_desk FOLDER CLOUD` applies and writes a line per event.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

from mastic.build.builder import BuildSummary
from mastic.build.graph import ImageGraph
from mastic.execute.feed import ImageFeed
from mastic.execute.local import LocalExecutor
from mastic.model.goal import Goal
from mastic.model.run import Event
from mastic.pipeline import Means, Where, destroy, plan
from mastic.report.plain import PlainReport
from mastic.returning import Change, apply_or_return
from mastic.undertaking import Outcome
from tests.agent.tiny_image import REFERENCE, make_tiny_image
from tests.contract.executor.world import empty_archive
from tests.generations.desk import CLOUD, SHARED

SERVICE = """
service: NAME
summary: Two processes and a job
kind: infrastructure
images:
  NAME: {from: base, user: root}
settings:
  word: {type: string, default: one, help: Said in every file}
secrets:
  NAME_password: {type: password, help: Said in every file}
jobs:
  fill: {in: NAME-a, when: once, run: fill}
workloads:
  NAME-a: &a
    image: NAME
    place: {group: control}
    command: serve
    user: root
    root_reason: it is only a test
    files: [SERVE]
    volumes: [{name: NAME, to: /data}]
    health: {command: cat /ready, seconds: 20}
    stop_seconds: 1
    after: [fill]
  NAME-b:
    image: NAME
    place: {group: control}
    command: serve
    user: root
    root_reason: it is only a test
    files: [SERVE]
    health: {command: cat /ready, seconds: 20}
    stop_seconds: 1
    after: [NAME-a]
checks:
  ready: {help: It answers, in: NAME-b, run: cat /ready}
"""
SERVE = "{template: serve.sh, to: /run.sh}"
SERVE_TEXT = """case "$(cat /var/lib/kolla/config_files/config.json)" in *fill*)
  while read -r line; do count=$line; done < /data/count
  echo "x$count" > /data/count
  exit 0
esac
rm -f /ready
trap 'exit 0' TERM
: > /ready
# {{ settings.word }} {{ secret('NAME_password') }}
while :; do sleep 0.05; done
"""


def make(folder: Path, cloud: str) -> None:
    """Catalogue and definition of a cloud whose containers are named after it."""
    make_tiny_image()
    text = SERVICE.replace("SERVE", SERVE).replace("&a", "").replace("NAME", cloud)
    service = folder / "catalogue" / cloud
    (service / "templates").mkdir(parents=True)
    (service / "service.yml").write_text(text)
    (service / "templates" / "serve.sh").write_text(SERVE_TEXT.replace("NAME", cloud))
    shared = folder / "catalogue" / "_shared"
    (shared / "locks").mkdir(parents=True)
    (shared / "image").mkdir()
    (shared / "service.yml").write_text(SHARED)
    (shared / "users.yml").write_text("root: [0, 0]\n")
    (shared / "locks" / "1.txt").write_text("")
    (shared / "image" / "Dockerfile.j2").write_text(f"FROM {{{{ parent }}}}\nLABEL cloud={cloud}\n")
    define(folder, cloud, "one")


def define(folder: Path, cloud: str, word: str) -> None:
    settings = f"{cloud}: {{word: {word}}}"
    (folder / "cloud.yml").write_text(CLOUD.format(cloud=cloud, services=cloud, settings=settings))


def where_of(folder: Path) -> Where:
    means = Means(LocalExecutor, build)
    return Where(folder / "cloud.yml", folder / "catalogue", folder / "state", folder / "password", means)


def build(graph: ImageGraph, wanted: tuple[str, ...], feed: ImageFeed, tell: object, logs: Path) -> BuildSummary:
    """Every image is the tiny one under the wanted name, or an empty one."""
    for name in wanted:
        if "broken=yes" in graph.nodes[name].dockerfile:
            command = ["docker", "import", "-", graph.nodes[name].reference]
            subprocess.run(command, input=empty_archive(), check=True, capture_output=True)
            feed.ready(graph.nodes[name].reference)
            continue
        subprocess.run(["docker", "tag", REFERENCE, graph.nodes[name].reference], check=True, capture_output=True)
        feed.ready(graph.nodes[name].reference)
    return BuildSummary({}, wanted, 0.0)


class Telling(PlainReport):
    """Writes every event as it comes, for whoever wants to kill us right then."""

    def event(self, event: Event) -> None:
        super().event(event)
        print(event.state, event.id, flush=True)


def apply(folder: Path) -> Outcome | None:
    return apply_or_return(
        where_of(folder), Change(boot=False), Telling(), lambda wanted: True, lambda error, head: False
    )


def left_to_do(folder: Path) -> list[str]:
    return [step.id for step in plan(where_of(folder), Goal(), PlainReport()).steps]


def wait_for_orphan(cloud: str) -> None:
    """Return when an agent whose controller was killed has ended its last step."""
    path = Path("/var/lib/mastic-agent", cloud, "lock")
    if path.exists():
        with path.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)


def remove(folder: Path) -> None:
    destroy(where_of(folder), Goal(allow_data_loss=True), PlainReport(), lambda wanted: True)


if __name__ == "__main__":
    apply(Path(sys.argv[1]))
