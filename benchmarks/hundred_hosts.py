"""`python -m benchmarks.hundred_hosts`: what orchestration alone costs on many hosts with forty containers each.

Hosts of the harness with ssh and an engine that starts nothing. Images, starts and health of real containers come on
top; they go on in parallel on the hosts.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mastic.execute.feed import ImageFeed
from mastic.execute.remote.executor import AnsibleExecutor
from mastic.execute.remote.reach import Reach
from mastic.model.desired import ConfigFile, Desired, PlacedWorkload
from mastic.model.goal import Goal
from mastic.model.service import Health
from mastic.plan.reconcile import reconcile
from tests.hosts import cgroups, lab
from tests.hosts.host import Host
from tests.hosts.root import fresh_root

CONTAINERS = 40
FILE_BYTES = 2000
"""Two files each: 160 kB of program per host."""
STUB = Path(__file__).with_name("stub_engine.py")


@dataclass(frozen=True)
class Cost:
    """One apply: from asking the hosts to the last answer."""

    what: str
    steps: int
    seconds: float
    controller: float
    """Processor seconds of everything on the controller, ssh included."""
    hosts: float
    """Processor seconds of all hosts together."""
    calls: int
    """Of ansible-core; each goes to every host that has something to do in its wave."""


def main() -> int:
    """Make the hosts, apply three times, print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hundred_hosts", description=__doc__)
    parser.add_argument("--hosts", type=int, default=100)
    number = parser.parse_args().hosts
    began = time.monotonic()
    root = fresh_root("trixie")
    made = lab.make_lab(lab.Wanted({f"h{each}": root for each in range(number)}))
    try:
        for each in made.hosts:
            (each.folder / "upper/root/stub_engine.py").write_text(STUB.read_text())
        lab.boot(made)
        lab.together(start_stub, made.hosts)
        print(f"{number} hosts made in {time.monotonic() - began:.0f} s", flush=True)
        with TemporaryDirectory() as state, cgroups.counting(f"bench{os.getpid()}") as controller:
            measure(made, Path(state), controller)
    finally:
        lab.destroy(made)
    return 0


def start_stub(one: Host) -> None:
    one.output("sh -c 'setsid python3 -S /root/stub_engine.py /var/run/docker.sock >/dev/null 2>&1 </dev/null &'")


def measure(made: lab.Lab, state: Path, controller: Callable[[], float]) -> None:
    executor = AnsibleExecutor("bench", state, Reach({each.name: lab.variables(each) for each in made.hosts}))
    names = tuple(each.name for each in made.hosts)
    for what, word, changed in (
        ("first apply", "one", CONTAINERS),
        ("nothing to do", "one", CONTAINERS),
        ("one option of one service", "two", 1),
        ("an option of every service", "three", CONTAINERS),
    ):
        print(line_of(apply(executor, wanted(names, word, changed), what, (made, controller)), len(names)), flush=True)
    print(f"memory of this process at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def apply(executor: AnsibleExecutor, desired: Desired, what: str, meters: tuple[lab.Lab, Callable[[], float]]) -> Cost:
    made, controller = meters
    executor.carriers.calls.clear()
    began, mine, theirs = time.monotonic(), controller(), host_seconds(made)
    plan = reconcile(desired, executor.observe(desired.hosts), Goal())
    if plan.steps:
        run = executor.perform(plan, desired, {}, ImageFeed(), lambda event: None)
        assert run.ok, next(iter(run.failed.values()))
    return Cost(
        what,
        len(plan.steps),
        time.monotonic() - began,
        controller() - mine,
        host_seconds(made) - theirs,
        len(executor.carriers.calls),
    )


def host_seconds(made: lab.Lab) -> float:
    return sum(cgroups.cpu_seconds(each.id) for each in made.hosts)


def line_of(cost: Cost, hosts: int) -> str:
    return (
        f"{cost.what}: {cost.steps} steps, {cost.seconds:.1f} s here, controller {cost.controller:.1f} CPU s "
        f"({cost.controller / hosts / cost.calls * 1000:.0f} ms per host and wave, {cost.calls} waves), "
        f"hosts {cost.hosts:.1f} CPU s"
    )


def wanted(hosts: tuple[str, ...], word: str, changed: int) -> Desired:
    """`word` is said in the first file of so many workloads of every host; the others say what they said at first."""
    workloads = [
        workload(host, number, word if number < changed else "one") for host in hosts for number in range(CONTAINERS)
    ]
    return Desired("bench", "1", hosts, tuple(workloads), (), (), {}, {}, {})


def workload(host: str, number: int, word: str) -> PlacedWorkload:
    name, container = f"work{number}", f"bench_work{number}"
    folder = f"/etc/mastic/clouds/bench/{container}/"
    mount = {"type": "bind", "source": folder, "target": "/var/lib/kolla/config_files/", "read_only": True}
    spec = {"name": container, "image": "mastic/work:1", "restart": "unless-stopped", "mounts": [mount]}
    files = (
        ConfigFile("one.conf", f"{word}\n" + "x" * FILE_BYTES, "restart"),
        ConfigFile("two.conf", "y" * FILE_BYTES, "restart"),
    )
    return PlacedWorkload(
        name, "work", host, container, "x", spec, files, (), health=Health(command="true", seconds=60)
    )


if __name__ == "__main__":
    sys.exit(main())
