"""A service taken out of the definition: what goes at once, what waits for leave to go, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from mastic.model.goal import Goal
from mastic.pipeline import plan
from mastic.plan.saved import read_saved
from mastic.returning import Change, rollback
from tests.generations.desk import HOST, Desk

LOSS = Change(Goal(allow_data_loss=True), boot=False)


DROP = """
  drop: {in: store, when: discard, consumer_of: storage, run: "drop {{ consumer.service }}"}
"""
FAREWELL = """
jobs:
  farewell: {in: front, when: removal, run: bye}
"""


def new_desk(folder: Path) -> Desk:
    """A service that says goodbye, and one that it has something with."""
    desk = Desk(folder)
    for service, jobs in (("store", DROP), ("front", FAREWELL)):
        path = desk.folder / "catalogue" / service / "service.yml"
        path.write_text(path.read_text().rstrip("\n") + jobs)
    return desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Both services stand, then one is taken out."""
    desk = new_desk(tmp_path / "desk")
    desk.apply()
    desk.define(services="store")
    return desk


def ran(desk: Desk) -> list[str]:
    return desk.fake.hosts[HOST].ran


def test_its_last_generation_knows_how_it_goes(desk: Desk) -> None:
    shown = desk.plan()
    assert [step.id for step in shown.steps if step.verb != "write"] == ["run:front/farewell@here", "remove:front@here"]
    assert shown.stays == ("what front has in store",)
    desk.apply()
    assert ran(desk)[-1] == "front/farewell@here"
    assert "front" not in desk.fake.hosts[HOST].containers
    assert "stays, and would go with `--allow data-loss`: what front has in store" in desk.err.getvalue()


def test_its_data_goes_when_it_may_however_late(desk: Desk) -> None:
    desk.apply()
    desk.define(services="store", settings="store: {size: 2}")
    desk.apply()
    assert "front/store_drop@here" not in ran(desk)
    desk.apply(change=LOSS)
    assert ran(desk)[-1] == "front/store_drop@here"
    assert desk.fake.hosts[HOST].logs["store_drop_front"]
    last = desk.history.generation(desk.history.generations()[-1]).desired
    assert last.departed.discards == ()
    assert not plan(desk.where, Goal(allow_data_loss=True), desk.report())


def test_a_run_that_breaks_off_takes_it_away_all_the_same(desk: Desk) -> None:
    desk.fake.stop_after = 1
    with pytest.raises(Exception, match="did not run"):
        desk.apply(change=LOSS)
    desk.apply(change=LOSS)
    assert ran(desk)[-2:] == ["front/farewell@here", "front/store_drop@here"]
    assert not desk.plan()


def test_the_way_back_brings_it_again_and_the_way_forth_takes_it_away_again(desk: Desk) -> None:
    desk.apply()
    rollback(desk.where, 1, Goal(), desk.report(), lambda plan: True)
    assert "front" in desk.fake.hosts[HOST].containers
    desk.apply()
    assert ran(desk).count("front/farewell@here") == 2


def test_returning_to_before_a_service_came_takes_it_away_as_it_wants(tmp_path: Path) -> None:
    desk = new_desk(tmp_path / "desk")
    desk.define(services="store")
    desk.apply()
    desk.define()
    desk.apply()
    rollback(desk.where, 1, Goal(), desk.report(), lambda plan: True)
    assert ran(desk)[-1] == "front/farewell@here"
    assert "front" not in desk.fake.hosts[HOST].containers


def test_a_saved_plan_takes_it_away_exactly(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    plan(desk.where, LOSS.goal, desk.report(), path)
    saved = read_saved(path.read_text(), str(path))
    desk.apply(change=Change(saved.goal, boot=False, saved=saved))
    assert ran(desk)[-2:] == ["front/farewell@here", "front/store_drop@here"]
