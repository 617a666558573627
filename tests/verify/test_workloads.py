"""What verification says about containers that are not as they should be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mastic.model.desired import Desired, PlacedWorkload
from mastic.model.observed import HostFacts, Observed, ObservedHost, ObservedWorkload
from mastic.verify.workloads import workload_problems

FACTS = HostFacts(cpus=2, memory_bytes=1, disk_free_bytes=1, addresses=("127.0.0.1",))
WANTED = PlacedWorkload("web-api", "web", "lab1", "web_api", "web", spec={})
DESIRED = Desired("lab", "2026.2", ("lab1",), (WANTED,), (), (), {}, {}, {})
RUNNING = ObservedWorkload(
    name="web-api",
    service="web",
    host="lab1",
    container="web_api",
    container_id="0",
    spec_digest="",
    files_digest=None,
    image="",
    state="running",
    healthy=True,
    started_at="",
    created_at="",
)


def observed(*workloads: ObservedWorkload) -> Observed:
    return Observed({"lab1": ObservedHost("lab1", FACTS, {workload.name: workload for workload in workloads})})


@pytest.mark.parametrize("healthy", [True, None])
def test_running_workload_is_well(healthy: bool | None) -> None:
    assert workload_problems(DESIRED, observed(replace(RUNNING, healthy=healthy))) == []


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ((), "`web-api` has no container"),
        ((replace(RUNNING, state="exited", exit_code=3),), "`web-api` is exited with exit code 3"),
        ((replace(RUNNING, state="restarting"),), "`web-api` is restarting"),
        ((replace(RUNNING, healthy=False),), "`web-api` runs but its health check fails"),
    ],
)
def test_unwell_workload_is_named_with_its_place(seen: tuple[ObservedWorkload, ...], said: str) -> None:
    (problem,) = workload_problems(DESIRED, observed(*seen))
    assert problem.message == said
    assert str(problem.place) == "web-api@lab1"
    assert "mastic logs web-api" in (problem.hint or "")


def test_host_that_does_not_answer_is_told_once_instead_of_its_workloads() -> None:
    (problem,) = workload_problems(DESIRED, Observed({}, {"lab1": "connection refused"}))
    assert problem.message == "host `lab1` does not answer: connection refused"
