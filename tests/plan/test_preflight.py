"""What preflight refuses, where it says it stands, and what it lets through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mastic.errors import Problem
from mastic.execute.fake import FakeExecutor
from mastic.model.catalogue import Catalogue, CloudFile, ServiceFolder
from mastic.model.cloud import Cloud
from mastic.model.desired import Desired, Endpoint
from mastic.model.service import Service
from mastic.plan.preflight import GIB, preflight
from tests.plan.clouds import apply, beside, cloud, with_workload, workload

FOLDER = ServiceFolder(
    Service.model_validate(
        {
            "service": "glance",
            "summary": "images",
            "kind": "openstack",
            "settings": {"port": {"type": "port", "default": 9292, "help": "where the API listens"}},
        }
    ),
    Path("catalogue/glance"),
    {("settings", "port"): 7, ("workloads", "glance"): 20},
)

LINES: dict[tuple[str | int, ...], int] = {
    ("hosts", "lab"): 3,
    ("hosts", "lab", "address"): 4,
    ("api_address",): 5,
    ("settings", "glance", "port"): 9,
}


def wanted() -> Desired:
    """An API behind a balancer, both on one host."""
    desired = cloud(
        workload("haproxy", listens=("127.0.0.1:61313",)),
        workload("glance", listens=("127.0.0.1:19292",), needs=("haproxy@lab",)),
    )
    return replace(desired, endpoints=(Endpoint("glance", "glance", "https://127.0.0.1:9292"),))


@dataclass
class Scene:
    """A host to look at and the definition it is looked at with."""

    desired: Desired = field(default_factory=wanted)
    executor: FakeExecutor = field(default_factory=lambda: FakeExecutor(("lab",)))
    said: dict[str, Any] = field(default_factory=dict)
    host: dict[str, Any] = field(default_factory=dict)

    def facts(self, **changes: Any) -> None:
        here = self.executor.hosts["lab"]
        here.facts = replace(here.facts, **changes)

    def problems(self) -> list[Problem]:
        definition = {"cloud": "lab", "hosts": {"lab": self.host}, "services": ["haproxy", "glance"], **self.said}
        cloud_file = CloudFile(Cloud.model_validate(definition), Path("cloud.yml"), LINES)
        catalogue = Catalogue(Path("catalogue"), {"glance": FOLDER}, FOLDER, {}, {})
        return preflight(catalogue, cloud_file, self.desired, self.executor.observe(("lab",)))


def no_engine(scene: Scene) -> None:
    scene.facts(engine=None, engine_problem="connection refused")


def wrong_address(scene: Scene) -> None:
    scene.host = {"address": "192.0.2.7"}


def wrong_api_address(scene: Scene) -> None:
    scene.said = {"api_address": "192.0.2.8"}


def little_memory(scene: Scene) -> None:
    scene.facts(memory_bytes=2 * GIB)


def little_disk(scene: Scene) -> None:
    scene.facts(disk_free_bytes=2 * GIB)


def foreign_container(scene: Scene) -> None:
    scene.executor.hosts["lab"].foreign.add("glance")


def port_taken(scene: Scene) -> None:
    scene.facts(listening={"0.0.0.0:19292": "nginx"})


def api_port_taken(scene: Scene) -> None:
    scene.facts(listening={"127.0.0.1:9292": "?"})


def said_port_taken(scene: Scene) -> None:
    scene.said = {"settings": {"glance": {"port": 9292}}}
    port_taken(scene)


def unreachable(scene: Scene) -> None:
    scene.executor.unreachable["lab"] = "no route to host"


CASES: list[tuple[Callable[[Scene], None], str, str]] = [
    (no_engine, "no container engine answers on host `lab`: connection refused", "cloud.yml:3"),
    (wrong_address, "address `192.0.2.7` is not on host `lab`", "cloud.yml:4"),
    (wrong_api_address, "`api_address` `192.0.2.8` is on no host of group `control`", "cloud.yml:5"),
    (little_memory, "host `lab` has 2.0 GiB of memory, 2.2 GiB are needed", "cloud.yml:3"),
    (little_disk, "host `lab` has 2.0 GiB of free disk for the engine, 3.0 GiB are needed", "cloud.yml:3"),
    (
        foreign_container,
        "a container named `glance` on host `lab` is not of this cloud",
        "catalogue/glance/service.yml:20",
    ),
    (
        port_taken,
        "port 19292 on host `lab` is taken by process `nginx` (`0.0.0.0:19292`); glance wants it",
        "catalogue/glance/service.yml:7",
    ),
    (
        api_port_taken,
        "port 9292 on host `lab` is taken by an unknown process (`127.0.0.1:9292`); glance wants it",
        "catalogue/glance/service.yml:7",
    ),
    (
        said_port_taken,
        "port 19292 on host `lab` is taken by process `nginx` (`0.0.0.0:19292`); glance wants it",
        "cloud.yml:9",
    ),
    (unreachable, "host `lab` cannot be reached: no route to host", "cloud.yml:3"),
]


@pytest.mark.parametrize(("spoil", "message", "place"), CASES, ids=[case[0].__name__ for case in CASES])
def test_refuses(spoil: Callable[[Scene], None], message: str, place: str) -> None:
    scene = Scene()
    spoil(scene)
    found = scene.problems()
    assert [(problem.message, str(problem.place)) for problem in found] == [(message, place)]
    assert found[0].hint


def test_tells_everything_at_once() -> None:
    scene = Scene()
    for spoil in (wrong_address, little_memory, little_disk, foreign_container, port_taken):
        spoil(scene)
    assert len(scene.problems()) == 5


def test_lets_a_good_host_through() -> None:
    assert Scene().problems() == []


def test_what_runs_already_may_hold_its_ports() -> None:
    """The balancer holds the API's port; a second plan must not take it for a stranger."""
    scene = Scene()
    apply(scene.desired, scene.executor)
    scene.facts(
        listening={"127.0.0.1:61313": "haproxy", "127.0.0.1:9292": "haproxy", "127.0.0.1:19292": "gunicorn"},
        memory_bytes=GIB,
        disk_free_bytes=GIB,
    )
    assert scene.problems() == []


def test_balancer_holds_the_port_of_an_api_that_is_still_to_come() -> None:
    scene = Scene()
    apply(cloud(scene.desired.workloads[0]), scene.executor)
    scene.facts(listening={"127.0.0.1:61313": "haproxy", "127.0.0.1:9292": "haproxy"})
    assert scene.problems() == []


def test_stopped_container_whose_port_was_taken_meanwhile() -> None:
    scene = Scene()
    apply(scene.desired, scene.executor)
    scene.executor.hosts["lab"].stop("glance")
    port_taken(scene)
    assert len(scene.problems()) == 1


def test_another_address_of_the_same_port_is_free() -> None:
    scene = Scene()
    scene.facts(listening={"192.0.2.9:19292": "nginx", "127.0.0.1:9293": "nginx"})
    assert scene.problems() == []


@pytest.mark.parametrize("process, problems", [("nginx", 1), ("gunicorn", 0)])
def test_port_of_the_free_slot(process: str, problems: int) -> None:
    """Somebody else's is told while the other slot serves; our own process may stand there, left by a broken run."""
    scene = Scene()
    slotted = beside(workload("glance", listens=("127.0.0.1:15000", "127.0.0.1:25000")), "haproxy")
    scene.desired = with_workload(scene.desired, slotted)
    apply(scene.desired, scene.executor)
    scene.facts(listening={"127.0.0.1:15000": "gunicorn", "127.0.0.1:25000": process})
    found = [problem.message for problem in scene.problems()]
    assert len(found) == problems
    assert all("port 25000" in message for message in found)
