"""DESIGN's invariants of plans, over random clouds and random accidents, with the fake executor."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mastic.execute.fake import FakeExecutor, FakeHost
from mastic.execute.program import compile_program
from mastic.model.desired import Desired, PlacedJob, PlacedWorkload
from mastic.model.goal import Goal
from mastic.model.plan import Plan
from mastic.plan.waves import waves
from tests.plan.clouds import apply, perform, plan_for, values
from tests.properties.clouds import ACCIDENTS, Accident, clouds, resources_of

PREPARING = ("pull", "write", "volume")
GOALS = st.builds(Goal, allow_data_loss=st.booleans(), destroy=st.booleans())
some = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
    executor = FakeExecutor(("a", "b", "c"))
    apply(desired, executor)
    befall(executor, accidents)
    return executor


def end_state(desired: Desired, executor: FakeExecutor) -> object:
    """What is there, without times and without what differs by how it came about."""
    return {
        name: (
            {n: (c.spec_digest, c.files_digest, c.state, c.healthy, c.image) for n, c in host.containers.items()},
            host.files,
            host.contents,
            set(host.volumes),
            {id: stamp.digest for id, stamp in host.jobs.items()},
        )
        for name, host in executor.hosts.items()
    }


@some
@given(clouds(), clouds(), ACCIDENTS, GOALS)
def test_applied_plan_leaves_nothing_to_do(
    first: Desired, second: Desired, accidents: list[Accident], goal: Goal
) -> None:
    executor = deployed(first, accidents)
    apply(second, executor, goal)
    assert plan_for(second, executor, goal).steps == ()


@some
@given(clouds(), clouds(), ACCIDENTS, GOALS)
def test_same_input_gives_the_same_plan(first: Desired, second: Desired, accidents: list[Accident], goal: Goal) -> None:
    executor = deployed(first, accidents)
    assert asdict(plan_for(second, executor, goal)) == asdict(plan_for(second, executor, goal))


@some
@given(clouds(), clouds(), ACCIDENTS, GOALS)
def test_needs_point_backwards_and_ids_are_unique(
    first: Desired, second: Desired, accidents: list[Accident], goal: Goal
) -> None:
    seen: set[str] = set()
    for step in plan_for(second, deployed(first, accidents), goal).steps:
        assert set(step.needs) <= seen
        assert step.id not in seen
        seen.add(step.id)


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


@some
@given(clouds(), clouds(), ACCIDENTS)
def test_consumers_wait_for_every_change_of_their_providers(
    first: Desired, second: Desired, accidents: list[Accident]
) -> None:
    plan = plan_for(second, deployed(first, accidents))
    before, needed = everything_before(plan), everything_needed(second)
    for step in plan.steps:
        for provider in plan.steps if step.verb not in (*PREPARING, "remove") else ():
            changes = provider.verb not in ("pull", "volume", "remove")
            if changes and provider.resource in needed.get(step.resource, ()):
                assert provider.id in before[step.id]


@some
@given(clouds(), clouds(), ACCIDENTS, GOALS)
def test_whatever_runs_waits_for_its_files_image_and_volumes(
    first: Desired, second: Desired, accidents: list[Accident], goal: Goal
) -> None:
    plan = plan_for(second, deployed(first, accidents), goal)
    before, resources = everything_before(plan), resources_of(second)
    ids = {step.id for step in plan.steps}
    for step in plan.steps:
        resource = resources.get(step.resource)
        if resource is None or step.verb in (*PREPARING, "remove"):
            continue
        wanted = {f"write:{resource.id}", f"pull:{resource.spec['image']}@{step.host}"}
        wanted |= {f"volume:{mount['source']}@{step.host}" for mount in resource.spec["mounts"]}
        image = {f"pull:{resource.spec['image']}@{step.host}"} if step.verb in ("restart", "reload") else set()
        assert (wanted - image) & ids <= before[step.id]


@some
@given(clouds(), clouds(), ACCIDENTS, GOALS)
def test_steps_stay_inside_the_cloud(first: Desired, second: Desired, accidents: list[Accident], goal: Goal) -> None:
    for step in plan_for(second, deployed(first, accidents), goal).steps:
        assert step.host in second.hosts
        assert step.id.endswith(f"@{step.host}")


@some
@given(clouds(), clouds(), GOALS)
def test_no_secret_value_outside_the_hosts_that_need_it(first: Desired, second: Desired, goal: Goal) -> None:
    executor = deployed(first, [])
    plan = plan_for(second, executor, goal)
    assert "VALUE-OF-" not in json.dumps(asdict(plan))
    for host in second.hosts:
        program = compile_program(plan, second, host, values(second))
        written = [f for holder in ("workloads", "jobs") for r in program[holder].values() for f in r["files"]]
        assert set(program["secrets"]) == {name for f in written for name in f["secrets"]}
        assert "VALUE-OF-" not in json.dumps({**program, "secrets": {}})


BREAKS = st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=1, max_size=2)
"""Whether a step fails (else the run just ends), and at which step."""


@some
@given(clouds(), clouds(), ACCIDENTS, GOALS, BREAKS)
def test_stopped_anywhere_the_next_apply_reaches_the_same_end(
    first: Desired, second: Desired, accidents: list[Accident], goal: Goal, breaks: list[tuple[bool, int]]
) -> None:
    straight, broken = deployed(first, accidents), deployed(first, accidents)
    apply(second, straight, goal)
    for fails, stop in breaks:
        plan = plan_for(second, broken, goal)
        if fails and plan.steps:
            broken.fail = {plan.steps[stop % len(plan.steps)].id: "it breaks"}
        else:
            broken.stop_after = stop
        perform(plan, second, broken)
        broken.fail = {}
    apply(second, broken, goal)
    assert end_state(second, broken) == end_state(second, straight)


@some
@given(clouds(), clouds(), ACCIDENTS, GOALS)
def test_loss_of_data_is_allowed_and_marked(
    first: Desired, second: Desired, accidents: list[Accident], goal: Goal
) -> None:
    plan = plan_for(second, deployed(first, accidents), goal)
    for step in plan.steps:
        is_volume = step.verb == "remove" and step.detail["kind"] == "volume"
        if step.risk == "data-loss":
            assert is_volume
            assert goal.allow_data_loss
            assert not step.reversible
        if is_volume and step.risk == "none":
            assert not kept(step.detail["name"], step.host, first, second)


def kept(name: str, host: str, first: Desired, second: Desired) -> bool:
    """Whether a volume holds data, as the newest definition that knows it says."""
    said = [{volume.id: volume.keep for volume in desired.volumes} for desired in (first, second)]
    return {**said[0], **said[1]}[f"{name}@{host}"]


@some
@given(clouds(), clouds(), ACCIDENTS, GOALS)
def test_waves_keep_every_need_and_no_host_waits_inside_one(
    first: Desired, second: Desired, accidents: list[Accident], goal: Goal
) -> None:
    plan = plan_for(second, deployed(first, accidents), goal)
    cut = waves(plan)
    number = {step.id: wave for wave, part in enumerate(cut) for step in part.steps}
    host = {step.id: step.host for step in plan.steps}
    assert sorted(number) == sorted(host)
    for step in plan.steps:
        for need in step.needs:
            assert number[need] + (host[need] != step.host) <= number[step.id]
    assert len(cut) <= 1 or len({step.host for step in plan.steps}) > 1


@some
@given(clouds(), ACCIDENTS)
def test_accidents_are_healed(desired: Desired, accidents: list[Accident]) -> None:
    straight, broken = deployed(desired, []), deployed(desired, accidents)
    apply(desired, broken)
    assert end_state(desired, broken) == end_state(desired, straight)


@some
@given(clouds())
def test_plan_holds_nothing_that_need_not_be(desired: Desired) -> None:
    """A first deploy makes each thing once: one acting step per workload and job."""
    plan = plan_for(desired, FakeExecutor(desired.hosts))
    acting = [step.resource for step in plan.steps if step.verb not in PREPARING]
    wanted: list[PlacedWorkload | PlacedJob] = [*desired.workloads, *(j for j in desired.jobs if j.when != "removal")]
    assert sorted(acting) == sorted(each.id for each in wanted)
