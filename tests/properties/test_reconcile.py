"""DESIGN's invariants of plans, over random clouds and random accidents, with the fake executor."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import asdict
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mastic.execute.fake import FakeExecutor
from mastic.execute.fake_host import FakeHost
from mastic.execute.program import compile_program
from mastic.model.desired import Desired, PlacedJob, PlacedWorkload
from mastic.model.goal import Goal
from mastic.model.plan import Plan
from mastic.plan.waves import waves
from tests.plan.clouds import apply, perform, plan_for, values
from tests.properties.clouds import ACCIDENTS, HOSTS, Accident, clouds, editions, resources_of

PREPARING = ("pull", "write", "volume")
Both = tuple[Desired, Desired]
GOALS = st.sampled_from(
    [Goal()] * 6 + [Goal(allow_data_loss=True), Goal(destroy=True), Goal(destroy=True, allow_data_loss=True)]
)
some = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
few = settings(some, max_examples=60)
"""Each example stops a plan at every step."""


def befall(executor: FakeExecutor, accidents: list[Accident]) -> None:
    hosts = list(executor.hosts.values())
    for accident in accidents:
        _befall(hosts[accident.number % len(hosts)], accident)


def _befall(host: FakeHost, accident: Accident) -> None:
    things: dict[str, list[Any]] = {
        "stop": sorted(host.containers),
        "kill": sorted(host.containers),
        "lose container": sorted(host.containers),
        "edit": sorted((container, name) for container, files in host.files.items() for name in files),
        "lose volume": sorted(host.volumes),
        "lose image": sorted(host.images),
        "forget jobs": sorted(host.jobs),
    }
    there = things[accident.kind]
    if not there:
        return
    thing = there[accident.number % len(there)]
    if accident.kind in ("stop", "kill"):
        host.stop(thing, 137 if accident.kind == "kill" else 0)
    elif accident.kind == "edit":
        host.edit(*thing)
    elif accident.kind == "lose image":
        host.images.remove(thing)
    else:
        lost: dict[str, dict[str, Any]] = {
            "lose container": host.containers,
            "lose volume": host.volumes,
            "forget jobs": host.jobs,
        }
        del lost[accident.kind][thing]


def deployed(desired: Desired, accidents: list[Accident]) -> FakeExecutor:
    executor = FakeExecutor(HOSTS)
    apply(desired, executor)
    befall(executor, accidents)
    return executor


def without_slot(folder: str) -> str:
    return folder.removesuffix(".a").removesuffix(".b")


def end_state(executor: FakeExecutor) -> object:
    """What is there, without times and without what differs by how it came about, like the slot."""
    return {
        name: (
            {
                n: (c.container, c.spec_digest, c.files_digest, c.state, c.healthy, c.image)
                for n, c in host.containers.items()
            },
            host.beside,
            sorted((without_slot(folder), sorted(files.items(), key=repr)) for folder, files in host.files.items()),
            sorted(
                (without_slot(folder), file, content.replace("25000", "15000"))
                for (folder, file), content in host.contents.items()
            ),
            set(host.volumes),
            {id: stamp.digest for id, stamp in host.jobs.items()},
        )
        for name, host in executor.hosts.items()
    }


def check_processes_have_read_their_files(desired: Desired, executor: FakeExecutor) -> None:
    for wanted in desired.workloads:
        host = executor.hosts[wanted.host]
        if wanted.name in host.containers:
            folder = host.containers[wanted.name].folder
            for each in wanted.files:
                assert each.on_change == "nothing" or (host.read[folder][each.name] == host.contents[folder, each.name])


@some
@given(editions(), ACCIDENTS, GOALS)
def test_applied_plan_leaves_nothing_to_do(both: Both, accidents: list[Accident], goal: Goal) -> None:
    first, second = both
    executor = deployed(first, accidents)
    apply(second, executor, goal)
    assert plan_for(second, executor, goal).steps == ()
    check_processes_have_read_their_files(second, executor)


@some
@given(editions(), ACCIDENTS, GOALS)
def test_plan_keeps_the_rules(both: Both, accidents: list[Accident], goal: Goal) -> None:
    first, second = both
    executor = deployed(first, accidents)
    plan = plan_for(second, executor, goal)
    assert asdict(plan) == asdict(plan_for(second, executor, goal))
    check_needs_point_backwards(plan)
    check_steps_stay_inside_the_cloud(plan, second)
    check_consumers_wait(plan, second)
    check_whatever_runs_finds_what_it_needs(plan, second)
    check_loss_of_data(plan, goal, both)
    check_secrets_stay_where_they_belong(plan, second)
    check_waves(plan)


def check_needs_point_backwards(plan: Plan) -> None:
    seen: set[str] = set()
    for step in plan.steps:
        assert set(step.needs) <= seen
        assert step.id not in seen
        seen.add(step.id)


def check_steps_stay_inside_the_cloud(plan: Plan, desired: Desired) -> None:
    for step in plan.steps:
        assert step.host in desired.hosts
        assert step.id.endswith(f"@{step.host}") and step.id.startswith(f"{step.verb}:")


def everything_before(plan: Plan) -> dict[str, frozenset[str]]:
    """Step → all steps it waits for, directly or not."""
    found: dict[str, frozenset[str]] = {}
    for step in plan.steps:
        found[step.id] = frozenset(step.needs).union(*(found[need] for need in step.needs))
    return found


def everything_needed(desired: Desired) -> dict[str, frozenset[str]]:
    """Resource → all resources it needs, directly or not."""
    resources = resources_of(desired)

    def needed(id: str) -> frozenset[str]:
        return frozenset(resources[id].needs).union(*(needed(need) for need in resources[id].needs))

    return {id: needed(id) for id in resources}


def check_consumers_wait(plan: Plan, desired: Desired) -> None:
    """For every changing step of a provider, also behind resources that do not change."""
    before, needed = everything_before(plan), everything_needed(desired)
    leaving = {job.id for job in desired.jobs if job.when == "removal"}
    for step in plan.steps:
        waits = step.verb not in (*PREPARING, "bind", "remove") and step.resource not in leaving
        for provider in plan.steps if waits else ():
            changes = provider.verb not in ("pull", "volume", "remove")
            if changes and provider.resource in needed.get(step.resource, ()):
                assert provider.id in before[step.id]


def check_whatever_runs_finds_what_it_needs(plan: Plan, desired: Desired) -> None:
    before, resources = everything_before(plan), resources_of(desired)
    ids = {step.id for step in plan.steps}
    for step in plan.steps:
        resource = resources.get(step.resource)
        if resource is None or step.verb in (*PREPARING, "bind", "remove"):
            continue
        wanted = {f"write:{resource.id}"} | {f"volume:{m['source']}@{step.host}" for m in resource.spec["mounts"]}
        if step.verb not in ("restart", "reload"):
            wanted.add(f"pull:{resource.spec['image']}@{step.host}")
        assert wanted & ids <= before[step.id]


def check_loss_of_data(plan: Plan, goal: Goal, both: Both) -> None:
    """Only when allowed, always marked, never inside another step."""
    said = {volume.id: volume.keep for desired in both for volume in desired.volumes}
    for step in plan.steps:
        is_volume = step.verb == "remove" and step.detail["kind"] == "volume"
        assert is_volume or step.risk == "none"
        if is_volume:
            assert step.risk == ("data-loss" if said[step.resource] else "none")
            assert step.reversible == (step.risk == "none")
            assert goal.allow_data_loss or step.risk == "none"


def check_secrets_stay_where_they_belong(plan: Plan, desired: Desired) -> None:
    assert "VALUE-OF-" not in json.dumps(asdict(plan))
    for host in desired.hosts:
        program = compile_program(plan, desired, host, values(desired))
        written = [f for holder in ("workloads", "jobs") for r in program[holder].values() for f in r["files"]]
        assert set(program["secrets"]) == {name for f in written for name in f["secrets"]}
        assert "VALUE-OF-" not in json.dumps({**program, "secrets": {}})


def check_waves(plan: Plan) -> None:
    """They keep every need, no host waits for another inside one, and one host is one wave."""
    cut = waves(plan)
    number = {step.id: wave for wave, part in enumerate(cut) for step in part.steps}
    host = {step.id: step.host for step in plan.steps}
    assert sorted(number) == sorted(host)
    for step in plan.steps:
        for need in step.needs:
            assert number[need] + (host[need] != step.host) <= number[step.id]
    assert len(cut) <= 1 or len(set(host.values())) > 1


def served(desired: Desired, executor: FakeExecutor) -> set[str]:
    """Workloads with slots of which a container serves, where the load balancer leads to."""
    found: set[str] = set()
    for workload in desired.workloads:
        host = executor.hosts[workload.host]
        both = [there[workload.name] for there in (host.containers, host.beside) if workload.name in there]
        led = host.balanced.get(workload.name)
        well = {c.slot for c in both if c.state == "running" and c.healthy and c.slot}
        if workload.slots and (led in well if led and len(both) > 1 else well):
            found.add(workload.id)
    return found


@few
@given(editions(), ACCIDENTS, GOALS, st.booleans())
def test_stopped_anywhere_the_next_apply_reaches_the_same_end(
    both: Both, accidents: list[Accident], goal: Goal, fails: bool
) -> None:
    """Every prefix of the plan, ended by a crash or by a step that fails half done."""
    first, second = both
    before = deployed(first, accidents)
    plan = plan_for(second, before, goal)
    straight = deepcopy(before)
    apply(second, straight, goal)
    for number, step in enumerate(plan.steps):
        broken = deepcopy(before)
        broken.stop_after = None if fails else number
        broken.fail = {step.id: "it breaks"} if fails else {}
        serving = served(second, broken)
        perform(plan, second, broken)
        broken.fail = {}
        if not goal.destroy and not (fails and step.verb == "reload"):
            assert serving <= served(second, broken)
        apply(second, broken, goal)
        assert end_state(broken) == end_state(straight)
        check_processes_have_read_their_files(second, broken)


@some
@given(clouds(), ACCIDENTS)
def test_accidents_are_healed(desired: Desired, accidents: list[Accident]) -> None:
    straight, broken = deployed(desired, []), deployed(desired, accidents)
    apply(desired, broken)
    assert end_state(broken) == end_state(straight)


@some
@given(clouds())
def test_first_deploy_makes_each_thing_once(desired: Desired) -> None:
    plan = plan_for(desired, FakeExecutor(desired.hosts))
    acting = [step.resource for step in plan.steps if step.verb not in PREPARING]
    wanted: list[PlacedWorkload | PlacedJob] = [*desired.workloads, *(j for j in desired.jobs if j.when != "removal")]
    assert sorted(acting) == sorted(each.id for each in wanted)
