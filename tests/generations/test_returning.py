"""Ways back: rollback, automatic return, saved plans, drift, collection, recovery."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mastic.collecting import collect, look
from mastic.drifting import look as look_for_drift
from mastic.drifting import watching
from mastic.errors import HostError, InputError, StepError, VerifyError
from mastic.execute.fake import FakeExecutor
from mastic.history.keeping import pack, unpack
from mastic.load.secrets import SecretStore
from mastic.model.goal import Goal
from mastic.pipeline import plan
from mastic.plan.estimate import estimate
from mastic.plan.saved import read_saved
from mastic.returning import Change, recover, rollback
from tests.generations.desk import HOST, Desk
from tests.plan.clouds import database_and_api, plan_for

RED, BLUE = "front: {colour: red}", "front: {colour: blue}"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A cloud that was applied once."""
    desk = Desk(tmp_path / "desk")
    desk.apply()
    return desk


def back(desk: Desk, number: int | None = None) -> None:
    assert rollback(desk.where, number, Goal(), desk.report(), lambda plan: True)


def page(desk: Desk) -> str:
    return desk.fake.hosts[HOST].contents["front", "front.conf"].strip()


def results(desk: Desk) -> list[tuple[str, str]]:
    return [(head.command, head.result) for head in desk.history.heads()]


def test_rollback_needs_neither_definition_nor_catalogue(desk: Desk) -> None:
    before = desk.facts()
    desk.define(settings=BLUE)
    desk.template("store", "quite other {{ secret('store_password') }}\n")
    desk.apply()
    assert page(desk) == "colour blue"
    shutil.rmtree(desk.folder / "catalogue")
    (desk.folder / "cloud.yml").write_text("cloud: [broken")
    back(desk)
    assert desk.facts() == before
    assert results(desk) == [("apply", "verified"), ("apply", "verified"), ("rollback to 1", "verified")]
    assert "restart front" in desk.err.getvalue()


def test_rollback_brings_a_service_back_and_takes_one_away(desk: Desk) -> None:
    before = desk.facts()
    desk.define(services="store")
    desk.apply()
    assert "front" not in desk.fake.hosts[HOST].containers
    back(desk)
    assert desk.facts() == before
    back(desk, 2)
    assert "front" not in desk.fake.hosts[HOST].containers


def test_rollback_builds_an_image_that_is_gone_from_the_recipe_of_then(desk: Desk) -> None:
    dockerfile = desk.folder / "catalogue" / "_shared" / "image" / "Dockerfile.j2"
    old = set(desk.fake.hosts[HOST].images)
    dockerfile.write_text("FROM {{ parent }}\nLABEL new=1\n")
    desk.apply()
    desk.fake.hosts[HOST].images -= old
    back(desk)
    assert old <= desk.fake.hosts[HOST].images


def test_rollback_takes_the_secrets_of_then(desk: Desk) -> None:
    store = SecretStore(desk.state, desk.folder / "password")
    first = store.values(["store_password"])["store_password"]
    renew(store, "store_password")
    desk.apply()
    second = store.values(["store_password"])["store_password"]
    told = desk.fake.hosts[HOST].contents
    assert first != second and second in told["store", "store.conf"]
    back(desk)
    assert first in told["store", "store.conf"]
    desk.apply()
    assert second in told["store", "store.conf"]


def renew(store: SecretStore, name: str) -> None:
    """As a rotation does: the value in force changes, the one before stays under its version."""
    values, versions = store._read(), store.versions()
    values |= {f"{name}@{versions[name]}": values[name], name: "another value", f"{name}@2": "another value"}
    store._write(values, {**versions, name: 2})


def test_rollback_without_an_earlier_generation_is_told(desk: Desk) -> None:
    with pytest.raises(InputError, match="no earlier generation"):
        back(desk)
    with pytest.raises(InputError, match="there is no generation 9"):
        back(desk, 9)


def test_after_a_broken_change_rollback_goes_to_what_stood(desk: Desk) -> None:
    before = desk.facts()
    desk.define(settings=BLUE)
    desk.fake.fail["restart:front@here"] = "no such colour"
    with pytest.raises(StepError, match=r"`mastic rollback` returns to generation 1"):
        desk.apply()
    desk.fake.fail.clear()
    back(desk)
    assert desk.facts() == before
    assert results(desk)[-1] == ("rollback to 1", "verified")


def test_failing_step_is_taken_back_by_itself(desk: Desk) -> None:
    before = desk.facts()
    desk.define(settings=BLUE)

    def mend(plan_event: object) -> None:
        if "returning to generation 1" in desk.err.getvalue():
            desk.fake.fail.clear()

    desk.on_event = mend
    desk.fake.fail["restart:front@here"] = "no such colour"
    with pytest.raises(StepError, match="generation 2 is as generation 1 was"):
        desk.apply(auto_rollback=True)
    assert desk.facts() == before
    assert "no such colour" in desk.err.getvalue()
    assert results(desk) == [("apply", "verified"), ("rollback to 1", "verified")]


def test_failing_check_is_taken_back_by_itself(desk: Desk) -> None:
    before = desk.facts()
    desk.define(settings=BLUE)

    def look_at_page(*_: object) -> None:
        answers = desk.fake.answers
        answers.clear()
        if page(desk) == "colour blue":
            answers["sh", "-c", "look"] = (1, "ugly")

    desk.on_event = look_at_page
    with pytest.raises(VerifyError, match="generation 3 is as generation 1 was"):
        desk.apply(auto_rollback=True)
    assert desk.facts() == before
    assert results(desk) == [("apply", "verified"), ("apply", "checks failed"), ("rollback to 1", "verified")]


def test_first_deploy_that_fails_has_nothing_to_return_to(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk")
    desk.fake.fail["start:front@here"] = "no such colour"
    with pytest.raises(StepError, match="no such colour"):
        desk.apply(auto_rollback=True)
    assert desk.history.generations() == ()


def saved_plan(desk: Desk) -> Change:
    path = desk.folder / "plan.json"
    plan(desk.where, Goal(), desk.report(), path)
    return Change(boot=False, saved=read_saved(path.read_text(), str(path)))


def test_saved_plan_is_applied_exactly(desk: Desk) -> None:
    desk.define(settings=BLUE)
    change = saved_plan(desk)
    desk.fake.hosts[HOST].stop("store")  # drifted since, but no part of the plan
    outcome = None
    with pytest.raises(VerifyError):
        outcome = desk.apply(change=change)
    assert outcome is None
    assert page(desk) == "colour blue"
    assert desk.fake.hosts[HOST].containers["store"].state == "exited"


def test_saved_plan_is_refused_when_the_definition_moved(desk: Desk) -> None:
    desk.define(settings=BLUE)
    change = saved_plan(desk)
    desk.define(settings="front: {colour: green}, store: {size: 3}")
    with pytest.raises(HostError) as refused:
        desk.apply(change=change)
    message = refused.value.problems[0].message
    assert "the definition: workload front@here changed" in message
    assert "the definition: workload store@here changed" in message
    assert page(desk) == "colour red"


def test_saved_plan_is_refused_when_the_host_moved(desk: Desk) -> None:
    desk.define(settings=BLUE)
    change = saved_plan(desk)
    desk.fake.hosts[HOST].edit("front", "front.conf")
    with pytest.raises(HostError, match="the host: workload front@here changed"):
        desk.apply(change=change)


def test_something_else_is_no_saved_plan() -> None:
    with pytest.raises(InputError, match="no saved plan"):
        read_saved('{"plan": 3}', "here.json")


def test_no_drift_after_an_apply(desk: Desk) -> None:
    assert look_for_drift(desk.where) == (1, ())


def test_every_drift_is_named_once_and_apply_heals_it(desk: Desk) -> None:
    here = desk.fake.hosts[HOST]
    before = desk.facts()
    here.edit("front", "front.conf")
    here.stop("store", 1)
    del here.jobs["store/fill"]
    _, found = look_for_drift(desk.where)
    assert [(each.resource, each.what) for each in found] == [
        ("front", "front.conf edited by hand"),
        ("store", "exited with 1"),
        ("store/fill", "its record is gone"),
    ]
    desk.apply()
    assert look_for_drift(desk.where)[1] == ()
    assert desk.facts() == before


def test_removed_container_volume_and_host_are_named(desk: Desk) -> None:
    here = desk.fake.hosts[HOST]
    del here.containers["front"]
    here.foreign.add("front")
    del here.volumes["store"]
    assert {each.resource: each.what for each in look_for_drift(desk.where)[1]} == {
        "front": "another container has taken its name",
        "store": "the volume is gone",
        "store/fill": "would run again: volume store is new",
    }
    desk.fake.unreachable[HOST] = "no route"
    assert [each.what for each in look_for_drift(desk.where)[1]] == ["does not answer: no route"]


def test_drift_compares_with_what_stood_and_not_with_the_definition(desk: Desk) -> None:
    desk.define(settings=BLUE)
    assert desk.plan()
    assert look_for_drift(desk.where)[1] == ()


def test_watching_tells_what_appears_and_what_is_right_again(desk: Desk) -> None:
    here = desk.fake.hosts[HOST]
    happenings: Iterator[Callable[[], object]] = iter([lambda: here.stop("front"), lambda: None, desk.apply])
    seen = watching(desk.where, (), 1.0, pause=lambda seconds: next(happenings)())
    assert [tuple(each.what for each in part) for part in next(seen)] == [("stopped",), ()]
    assert [tuple(each.what for each in part) for part in next(seen)] == [(), ("stopped",)]


def test_collection_keeps_what_kept_generations_need(desk: Desk) -> None:
    here = desk.fake.hosts[HOST]
    dockerfile = desk.folder / "catalogue" / "_shared" / "image" / "Dockerfile.j2"
    old = set(here.images)
    for number in (1, 2):
        dockerfile.write_text(f"FROM {{{{ parent }}}}\nLABEL new={number}\n")
        desk.apply()
    kept_all = look(desk.where, 3)
    assert not kept_all
    found = look(desk.where, 2)
    assert found.surplus.generations == (1,)
    assert set(found.images[HOST].sizes) == old
    collect(found)
    assert desk.history.generations() == (2, 3)
    assert not old & here.images
    back(desk)
    assert results(desk)[-1] == ("rollback to 2", "verified")


def test_collection_leaves_other_clouds_images(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "desk2", cloud="other")
    other.fake.hosts = desk.fake.hosts
    shutil.rmtree(desk.folder / "state" / "other", ignore_errors=True)
    images = set(desk.fake.hosts[HOST].images)
    dockerfile = desk.folder / "catalogue" / "_shared" / "image" / "Dockerfile.j2"
    (desk.folder / "state" / "other").mkdir()
    shutil.copytree(desk.state / "history", desk.folder / "state" / "other" / "history")
    dockerfile.write_text("FROM {{ parent }}\nLABEL new=1\n")
    desk.apply()
    found = look(desk.where, 1)
    assert found.surplus.generations == (1,)
    assert found.images[HOST].sizes == {}
    assert images <= desk.fake.hosts[HOST].images


def test_lost_controller_is_recovered_from_a_host(desk: Desk) -> None:
    desk.define(settings=BLUE)
    desk.apply()
    heads, definition = desk.history.heads(), (desk.folder / "cloud.yml").read_text()
    shutil.rmtree(desk.state)
    (desk.folder / "cloud.yml").unlink()
    site, latest = recover(desk.where, HOST, "desk")
    assert latest and latest.head.number == 2
    assert [(head.number, head.run) for head in desk.history.heads()] == [(head.number, head.run) for head in heads]
    assert (desk.folder / "cloud.yml").read_text() == definition
    assert not desk.plan()
    back(desk)
    assert page(desk) == "colour red"
    private = [site.state, site.state / "secrets.yml", *(path for path in site.state.rglob("*") if path.is_dir())]
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)


def test_no_secret_value_and_no_password_is_kept_on_a_host_in_the_clear(desk: Desk) -> None:
    kept = desk.fake.hosts[HOST].kept
    assert kept
    folder = desk.folder / "look"
    unpack(kept, folder)
    value = SecretStore(desk.state, desk.folder / "password").values(["store_password"])["store_password"]
    password = (desk.folder / "password").read_text().strip()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert value.encode() not in content and password.encode() not in content
    assert (folder / "secrets.yml").read_bytes().startswith(b"$ANSIBLE_VAULT")


def test_controller_that_is_not_lost_is_left_alone(desk: Desk) -> None:
    with pytest.raises(InputError, match="is here already"):
        recover(desk.where, HOST, None)


def test_host_without_a_copy_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="keeps no copy"):
        recover(Desk(tmp_path / "desk").where, HOST, None)


def test_copy_stays_small(desk: Desk) -> None:
    run = desk.state / "history" / "runs" / desk.history.runs()[-1]
    (run / "events.jsonl").write_bytes(random.Random(1).randbytes(1 << 20))
    content = pack(desk.state, 1 << 18)
    unpack(content, desk.folder / "small")
    assert len(content) <= 1 << 18
    assert (desk.folder / "small" / "history" / "generations" / "0001.json").exists()
    with pytest.raises(HostError, match="mastic gc"):
        pack(desk.state, 100)


def test_only_one_service_is_changed_and_the_generation_says_so(desk: Desk) -> None:
    desk.define(settings="front: {colour: blue}, store: {size: 2}")
    desk.apply(change=Change(Goal(only=("front",)), boot=False))
    assert look_for_drift(desk.where)[1] == ()
    latest = desk.history.latest()
    assert latest
    told = {file.name: file.content for workload in latest.desired.workloads for file in workload.files}
    assert "blue" in told["front.conf"] and "size 1" in told["store.conf"]
    assert [step.id for step in desk.plan().steps] == ["write:store@here", "restart:store@here"]


def test_generation_is_readable(desk: Desk) -> None:
    folder = desk.state / "history" / "generations"
    head = json.loads((folder / "0001.json").read_text())
    assert (head["command"], head["services"]) == ("apply", ["front", "store"])
    assert (folder / "0001.cloud.yml").read_text() == (desk.folder / "cloud.yml").read_text()


def test_time_is_learnt_from_earlier_runs() -> None:
    wanted = plan_for(database_and_api(), FakeExecutor(("lab",)))
    assert estimate(wanted, {}) is None
    learnt = {f"step {step.id}": [2.0, 4.0, 60.0] for step in wanted.steps}
    learnt |= {f"image {name}": [30.0] for name in wanted.images}
    assert estimate(wanted, learnt) == 30 + 3 * 4.0
