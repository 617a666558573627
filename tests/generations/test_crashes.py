"""A controller or an agent that dies at any point: the next `apply`, or `resume`, reaches an equal end state."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mastic.errors import InputError, StepError
from mastic.model.run import Event
from mastic.plan.saved import wanted_digests
from mastic.returning import resume
from tests.generations.desk import HOST, Desk

Prepare = Callable[[Desk], None]


class Killed(BaseException):
    """The process is gone: nothing handles this."""


def nothing(desk: Desk) -> None:
    """A first deploy."""


def changed(desk: Desk) -> None:
    """Stands already; then a setting, a template, and with it both containers and a file change."""
    desk.apply()
    desk.define(settings="store: {size: 2}")
    desk.template("front", "paint {{ settings.colour }}\n")


def smaller(desk: Desk) -> None:
    """Stands already; then a service goes."""
    desk.apply()
    desk.define(services="store")


PREPARATIONS = pytest.mark.parametrize("prepare", [nothing, changed, smaller])


@pytest.fixture(autouse=True)
def memory_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes die here, machines do not: waiting for the disk hundreds of times would prove nothing."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, number: int) -> Iterator[list[int]]:
    """The process dies when it is about to make something durable for the `number`th time (0: never); counts."""
    calls = [0]

    def fsync(descriptor: int) -> None:
        calls[0] += 1
        if calls[0] == number:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        yield calls


def killed_at_event(desk: Desk, number: int) -> None:
    """The process dies when it hears of the `number`th event."""
    left = [number]

    def on_event(event: Event) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    desk.on_event = on_event


def revived(desk: Desk) -> None:
    """A new process: nothing but the disk and the hosts remain."""
    desk.on_event = lambda event: None


def assert_equal_end(desk: Desk, undisturbed: Desk) -> None:
    """Hosts hold the same, history says the same stands, and nothing is left to do."""
    assert desk.facts() == undisturbed.facts()
    assert not desk.plan()
    assert desk.history.unfinished() is None
    ours, theirs = desk.history.latest(), undisturbed.history.latest()
    assert ours and theirs
    assert wanted_digests(ours.desired) == wanted_digests(theirs.desired)
    assert ours.head.result == "verified"
    secrets = [SecretsSeen(each) for each in (desk, undisturbed)]
    assert secrets[0].made == secrets[1].made


class SecretsSeen:
    """Versions of secrets, and that the host's file holds the very value."""

    def __init__(self, desk: Desk) -> None:
        from mastic.load.secrets import SecretStore

        store = SecretStore(desk.state, desk.folder / "password")
        self.made = {name: version for name, version in store.versions().items() if name == "store_password"}
        value = store.values(["store_password"])["store_password"]
        assert value in desk.fake.hosts[HOST].contents["store", "store.conf"]


def undisturbed(folder: Path, prepare: Prepare) -> Desk:
    folder.mkdir()
    desk = Desk(folder)
    prepare(desk)
    desk.apply()
    return desk


@PREPARATIONS
def test_controller_killed_at_every_durable_write(
    prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = undisturbed(tmp_path / "whole", prepare)
    number = 0
    while True:
        number += 1
        folder = tmp_path / f"{number}"
        folder.mkdir()
        desk = Desk(folder)
        prepare(desk)
        with killed_at(monkeypatch, number) as calls:
            try:
                desk.apply()
            except Killed:
                pass
            else:
                assert calls[0] < number
                break
        desk.apply()
        assert_equal_end(desk, whole)
    assert number > 20


@PREPARATIONS
@pytest.mark.parametrize("go_on", ["apply", "resume"])
def test_controller_killed_at_every_event(prepare: Prepare, go_on: str, tmp_path: Path) -> None:
    whole = undisturbed(tmp_path / "whole", prepare)
    number, stopped = 0, True
    while stopped:
        number += 1
        folder = tmp_path / f"{number}"
        folder.mkdir()
        desk = Desk(folder)
        prepare(desk)
        killed_at_event(desk, number)
        try:
            desk.apply()
            stopped = False
        except Killed:
            revived(desk)
            if go_on == "resume":
                try_to_resume(desk)
            desk.apply()
        assert_equal_end(desk, whole)
    assert number > 10


def try_to_resume(desk: Desk) -> None:
    """Where the run had begun, `resume` alone leaves nothing to do."""
    if desk.history.unfinished() is None:
        with pytest.raises(InputError, match="nothing to resume"):
            resume(desk.where, desk.report(), lambda plan: True, boot=False)
        return
    desk.define(settings="front: {colour: nobody asked for}")  # it goes on towards what was wanted then
    resume(desk.where, desk.report(), lambda plan: True, boot=False)
    assert desk.history.unfinished() is None
    left = desk.history.latest()
    assert left and "nobody" not in repr([file.content for w in left.desired.workloads for file in w.files])
    desk.folder.joinpath("cloud.yml").write_text(left.intent.cloud_file)
    assert not desk.plan()


@PREPARATIONS
def test_agent_killed_in_every_step(prepare: Prepare, tmp_path: Path) -> None:
    whole = undisturbed(tmp_path / "whole", prepare)
    rehearsal = Desk(tmp_path / "whole" / "rehearsal")
    prepare(rehearsal)
    for step in rehearsal.plan().steps:
        desk = Desk(tmp_path / step.id.replace("/", "_"))
        prepare(desk)
        desk.fake.fail[step.id] = "the agent ended with code -9 while this step ran"
        with pytest.raises(StepError, match="code -9"):
            desk.apply()
        desk.fake.fail.clear()
        desk.apply()
        assert_equal_end(desk, whole)


def test_interrupted_rollback_goes_on(tmp_path: Path) -> None:
    from mastic.model.goal import Goal
    from mastic.returning import rollback

    whole = undisturbed(tmp_path / "whole", nothing)
    number, stopped = 0, True
    while stopped:
        number += 1
        desk = Desk(tmp_path / f"{number}")
        changed(desk)
        desk.apply()
        killed_at_event(desk, number)
        try:
            rollback(desk.where, 1, Goal(), desk.report(), lambda plan: True)
            stopped = False
        except Killed:
            revived(desk)
            if desk.history.unfinished():
                resume(desk.where, desk.report(), lambda plan: True, boot=False)
            elif len(desk.history.generations()) == 2:
                rollback(desk.where, 1, Goal(), desk.report(), lambda plan: True)
        assert desk.facts() == whole.facts()
        latest = desk.history.latest()
        assert latest and latest.head.command == "rollback to 1"
    assert number > 8
