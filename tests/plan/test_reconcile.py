"""Plans of small clouds against tests/golden/plan_*; `MASTIC_ACCEPT=1 pytest tests/plan` accepts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mastic.execute.fake import FakeExecutor
from mastic.model.desired import Desired, PlacedWorkload
from mastic.model.goal import Goal
from mastic.plan.reconcile import reconcile
from tests.golden.compare import assert_golden
from tests.plan.clouds import (
    apply,
    cloud,
    database_and_api,
    describe,
    file,
    job,
    perform,
    plan_for,
    spec,
    volume,
    with_file,
    with_workload,
    without,
    workload,
)


@pytest.fixture
def desired() -> Desired:
    return database_and_api()


@pytest.fixture
def executor(desired: Desired) -> FakeExecutor:
    """A host on which the cloud stands."""
    executor = FakeExecutor(desired.hosts)
    apply(desired, executor)
    return executor


def test_first_deploy(desired: Desired) -> None:
    plan = plan_for(desired, FakeExecutor(desired.hosts))
    assert_golden("plan_first-deploy", describe(plan))
    assert plan.images == ("mariadb", "glance", "haproxy")


def test_nothing_to_do(desired: Desired, executor: FakeExecutor) -> None:
    assert describe(plan_for(desired, executor)) == ""


def test_changed_file_restarts(desired: Desired, executor: FakeExecutor) -> None:
    changed = with_file(desired, "glance@lab", "glance.conf", "two")
    assert_golden("plan_changed-file", describe(plan_for(changed, executor)))


def test_changed_file_reloads(desired: Desired, executor: FakeExecutor) -> None:
    changed = with_file(desired, "haproxy@lab", "haproxy.cfg", "two")
    assert_golden("plan_changed-file-reload", describe(plan_for(changed, executor)))


def test_file_that_the_process_reads_itself_is_only_written(desired: Desired, executor: FakeExecutor) -> None:
    changed = with_file(desired, "glance@lab", "policy.yaml", "two")
    assert describe(apply(changed, executor)) == " 1 [] write:glance@lab, policy.yaml changed"
    assert not plan_for(changed, executor)


def test_reload_is_not_enough_while_another_file_waits(desired: Desired) -> None:
    proxy = workload(
        "haproxy", files=(file("haproxy.cfg", on_change="reload"), file("config.json")), reload_signal="HUP"
    )
    desired, executor = cloud(proxy), FakeExecutor(("lab",))
    apply(desired, executor)
    first = with_file(desired, "haproxy@lab", "config.json", "two")
    executor.stop_after = 1
    perform(plan_for(first, executor), first, executor)
    second = with_file(first, "haproxy@lab", "haproxy.cfg", "two")
    assert [step.verb for step in plan_for(second, executor).steps] == ["write", "restart"]


def test_rotated_secret_is_a_changed_file(desired: Desired, executor: FakeExecutor) -> None:
    rotated = replace(desired, secret_versions={"database_password": 2})
    assert_golden("plan_rotated-secret", describe(plan_for(rotated, executor)))


def test_image_changed(desired: Desired, executor: FakeExecutor) -> None:
    changed = with_workload(with_workload(desired, _other_image(desired, "glance")), _other_image(desired, "haproxy"))
    plan = plan_for(changed, executor)
    assert_golden("plan_image-changed", describe(plan))
    assert plan.images == ("haproxy", "glance")


def test_consumer_waits_for_provider_through_what_does_not_change(desired: Desired, executor: FakeExecutor) -> None:
    changed = with_workload(with_workload(desired, _other_image(desired, "glance")), _other_image(desired, "mariadb"))
    assert_golden("plan_through-unchanged", describe(plan_for(changed, executor)))


def test_settings_of_the_container_changed(desired: Desired, executor: FakeExecutor) -> None:
    glance = desired.workload("glance@lab")
    assert glance
    changed = with_workload(desired, replace(glance, spec={**glance.spec, "capabilities": ["NET_ADMIN"]}))
    assert describe(plan_for(changed, executor)) == (
        " 1 [] replace:glance@lab, settings of the container changed (interrupts)"
    )


def test_kept_running_is_not_replaced_for_its_image() -> None:
    console = workload("virtlogd", keep_running=True)
    executor = FakeExecutor(("lab",))
    apply(cloud(console), executor)
    newer = cloud(replace(console, spec=spec("virtlogd", "mastic/virtlogd:2")))
    assert not plan_for(newer, executor)
    assert describe(plan_for(with_file(newer, "virtlogd@lab", "virtlogd.conf", "two"), executor)) == (
        " 1 [] write:virtlogd@lab, virtlogd.conf changed\n"
        " 2 [1] restart:virtlogd@lab, virtlogd.conf changed (interrupts)"
    )
    executor.hosts["lab"].stop("virtlogd")
    assert describe(plan_for(newer, executor)) == (
        " 1 [] pull:mastic/virtlogd:2@lab, not there yet\n 2 [1] replace:virtlogd@lab, image changed"
    )


@pytest.mark.parametrize(
    ("state", "exit_code", "cause"),
    [
        ("exited", 0, "stopped"),
        ("exited", 143, "stopped"),
        ("exited", 137, "exited with 137"),
        ("exited", 1, "exited with 1"),
        ("created", None, "never started"),
        ("restarting", 1, "keeps restarting"),
        ("paused", None, "paused"),
        ("dead", None, "dead"),
    ],
)
def test_not_running_is_started(
    desired: Desired, executor: FakeExecutor, state: str, exit_code: int | None, cause: str
) -> None:
    containers = executor.hosts["lab"].containers
    containers["glance"] = replace(containers["glance"], state=state, exit_code=exit_code)  # type: ignore[arg-type]
    assert describe(plan_for(desired, executor)) == f" 1 [] start:glance@lab, {cause}"


def test_unhealthy_is_left_alone(desired: Desired, executor: FakeExecutor) -> None:
    containers = executor.hosts["lab"].containers
    containers["glance"] = replace(containers["glance"], healthy=False)
    assert not plan_for(desired, executor)


def test_edited_by_hand(desired: Desired, executor: FakeExecutor) -> None:
    executor.hosts["lab"].edit("glance", "glance.conf")
    executor.hosts["lab"].edit("haproxy", "haproxy.cfg")
    assert_golden("plan_edited-by-hand", describe(plan_for(desired, executor)))


def test_surplus_file_goes(desired: Desired, executor: FakeExecutor) -> None:
    haproxy = desired.workload("haproxy@lab")
    assert haproxy
    more = with_workload(desired, replace(haproxy, files=(*haproxy.files, file("extra.cfg", on_change="reload"))))
    assert describe(apply(more, executor)) == (
        " 1 [] write:haproxy@lab, extra.cfg added\n 2 [1] reload:haproxy@lab, extra.cfg added (minor)"
    )
    assert describe(apply(desired, executor)) == (
        " 1 [] write:haproxy@lab, extra.cfg no longer wanted\n"
        " 2 [1] restart:haproxy@lab, extra.cfg no longer wanted (interrupts)"
    )
    assert "extra.cfg" not in executor.hosts["lab"].files["haproxy"]


def test_job_runs_once_on_the_same_data(desired: Desired, executor: FakeExecutor) -> None:
    other = replace(desired, jobs=(replace(desired.jobs[0], run="glance-manage db_sync --verbose"),))
    assert not plan_for(other, executor)
    del executor.hosts["lab"].volumes["mariadb"]
    plan = apply(other, executor)
    assert "run:glance/db_sync@lab, volume mariadb is new" in describe(plan)
    assert executor.hosts["lab"].ran == ["glance/db_sync@lab"] * 2


def test_job_runs_when_the_volume_was_made_anew_by_others(desired: Desired, executor: FakeExecutor) -> None:
    executor.hosts["lab"].volumes["mariadb"] = "another time"
    assert [step.id for step in plan_for(desired, executor).steps] == [
        "write:glance/db_sync@lab",
        "run:glance/db_sync@lab",
    ]


def test_job_runs_when_its_effect_is_to_live_in_another_volume_too(desired: Desired, executor: FakeExecutor) -> None:
    moved = replace(desired, jobs=(replace(desired.jobs[0], data=("mariadb", "other")),))
    moved = replace(moved, volumes=(*desired.volumes, volume("other")))
    assert "run:glance/db_sync@lab, not run on volume other yet" in describe(apply(moved, executor))
    assert not plan_for(moved, executor)


def test_job_changed_runs_again_when_anything_of_it_changes() -> None:
    executor = FakeExecutor(("lab",))
    cells = job("cells", "nova", when="changed")
    apply(cloud(cells), executor)
    assert not plan_for(cloud(cells), executor)
    for changed in (
        replace(cells, run="nova-manage other"),
        replace(cells, files=(file("nova.conf", "two"),)),
        replace(cells, spec=spec("nova_cells", "mastic/nova:2")),
    ):
        assert [step.id for step in apply(cloud(changed), executor).steps][-1] == "run:nova/cells@lab"
        assert not plan_for(cloud(changed), executor)


def test_work_on_data_that_was_there_cannot_be_undone(desired: Desired, executor: FakeExecutor) -> None:
    more = replace(desired, jobs=(*desired.jobs, job("upgrade", "glance", data=("mariadb",))))
    assert describe(plan_for(more, executor)).endswith("run:glance/upgrade@lab, not run yet (cannot be undone)")


def test_no_longer_wanted_keeps_data(desired: Desired, executor: FakeExecutor) -> None:
    executor.hosts["lab"].disposable.add("run-state")
    executor.hosts["lab"].volumes["run-state"] = "some time"
    less = without(desired, "mariadb@lab", "glance/db_sync@lab", "volume/mariadb@lab")
    assert_golden("plan_no-longer-wanted", describe(plan_for(less, executor)))
    assert_golden("plan_no-longer-wanted-data", describe(plan_for(less, executor, Goal(allow_data_loss=True))))
    apply(less, executor)
    assert set(executor.hosts["lab"].volumes) == {"mariadb"}
    assert not plan_for(less, executor)


def test_leaving_container_makes_room_for_a_new_one(desired: Desired, executor: FakeExecutor) -> None:
    other = cloud(
        *(w for w in desired.workloads if w.name != "glance"), *desired.volumes, workload("glance-api", "glance")
    )
    assert_golden("plan_renamed-workload", describe(plan_for(other, executor)))


def with_removal_job(desired: Desired) -> Desired:
    leave = job("unregister", "glance", when="removal", needs=("glance@lab",))
    return replace(desired, jobs=(*desired.jobs, leave))


def test_removal_job_does_not_run_on_a_deploy(desired: Desired, executor: FakeExecutor) -> None:
    assert not plan_for(with_removal_job(desired), executor)


def test_removal_job_runs_before_the_service_leaves(desired: Desired, executor: FakeExecutor) -> None:
    wanted = with_removal_job(without(desired, "glance@lab", "glance/db_sync@lab"))
    plan = apply(wanted, executor)
    assert_golden("plan_service-leaves", describe(plan))
    assert not plan_for(wanted, executor)


def test_destroy(desired: Desired, executor: FakeExecutor) -> None:
    wanted = with_removal_job(desired)
    assert_golden("plan_destroy", describe(plan_for(wanted, executor, Goal(destroy=True))))
    assert_golden("plan_destroy-data", describe(plan_for(wanted, executor, Goal(destroy=True, allow_data_loss=True))))
    apply(wanted, executor, Goal(destroy=True))
    host = executor.hosts["lab"]
    assert (host.containers, set(host.volumes)) == ({}, {"mariadb"})
    assert not plan_for(wanted, executor, Goal(destroy=True))


def test_destroy_removes_run_time_state_without_asking() -> None:
    executor = FakeExecutor(("lab",))
    wanted = cloud(workload("ovs", volumes=("run",)), volume("run", keep=False, service="ovs"))
    apply(wanted, executor)
    assert describe(apply(wanted, executor, Goal(destroy=True))) == (
        " 1 [] remove:ovs@lab, destroy (interrupts)\n 2 [1] remove:volume/run@lab, destroy"
    )


def test_removal_job_uses_the_image_that_is_there(desired: Desired, executor: FakeExecutor) -> None:
    newer = job("unregister", "glance", tag="2", when="removal")
    wanted = replace(desired, jobs=(newer,))
    plan = apply(wanted, executor, Goal(destroy=True))
    assert plan.images == ()
    assert "glance/unregister@lab" in executor.hosts["lab"].ran


def test_only_touches_the_named_services(desired: Desired) -> None:
    executor = FakeExecutor(desired.hosts)
    plan = plan_for(desired, executor, Goal(only=("mariadb", "haproxy")))
    assert {step.group for step in plan.steps} == {"mariadb", "haproxy"}


def test_hosts_that_do_not_answer_get_no_step(desired: Desired) -> None:
    executor = FakeExecutor(desired.hosts)
    executor.unreachable["lab"] = "no route"
    assert not plan_for(desired, executor)


def test_hosts_outside_the_cloud_are_left_alone(desired: Desired, executor: FakeExecutor) -> None:
    elsewhere = replace(cloud(hosts=("other",)), cloud="lab")
    assert not reconcile(elsewhere, executor.observe(("lab",)), Goal())


def test_unfinished_start_is_done_again(desired: Desired) -> None:
    executor = FakeExecutor(desired.hosts)
    executor.fail["start:mariadb@lab"] = "Access denied"
    run = perform(plan_for(desired, executor), desired, executor)
    assert list(run.failed) == ["start:mariadb@lab"]
    assert executor.hosts["lab"].containers["mariadb"].state == "running"
    assert "restart:mariadb@lab, its last start was not finished" in describe(plan_for(desired, executor))


def _workload(desired: Desired, name: str) -> PlacedWorkload:
    wanted = desired.workload(f"{name}@lab")
    assert wanted
    return wanted


def _other_image(desired: Desired, name: str) -> PlacedWorkload:
    wanted = _workload(desired, name)
    return replace(wanted, spec={**wanted.spec, "image": f"mastic/{name}:2"})
