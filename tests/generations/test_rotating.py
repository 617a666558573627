"""Secrets are rotated as a change like any other: accounts take turns, and a way back stays open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mastic.errors import HostError, InputError
from mastic.load.secrets import SecretStore
from mastic.model.goal import Goal
from mastic.model.run import Event
from mastic.resolve.bindings import taking_turns
from mastic.returning import rollback
from mastic.rotating import known_secrets, rotate
from tests.generations.desk import FRONT, HOST, STORE, Desk
from tests.generations.test_crashes import Killed, killed_at_event, revived

ACCOUNT = "front_storage_password"
WITH_ACCOUNTS = STORE.replace(
    "  storage: {help: A place for things}",
    """  storage:
    help: A place for things
    parameters: {user: {type: string, required: true, help: Account}}
    secrets: {password: {type: password, account: user, help: Opens the account}}
    ready: [store, accounts]""",
).replace(
    "  fill: {in: store, when: once, run: fill, after: []}",
    """  accounts:
    in: store
    when: changed
    run: accounts
    files: [{template: accounts, to: /etc/accounts}]
    after: [store]
  retire:
    in: store
    when: rotated
    after_consumers: true
    run: retire
    files: [{template: accounts, to: /etc/accounts}]
    after: [store]""",
)
ACCOUNTS = (
    "{% for each in consumers.storage %}\n{{ each.user }} {{ each.password }} {{ each.idle_user }}\n{% endfor %}\n"
)
LOGIN = "{{ bindings.storage.user }} {{ bindings.storage.password }}\n"


def desk_at(folder: Path) -> Desk:
    """A cloud whose `front` logs in at its `store`."""
    desk = Desk(folder)
    catalogue = desk.folder / "catalogue"
    (catalogue / "store/service.yml").write_text(WITH_ACCOUNTS)
    (catalogue / "store/templates/accounts").write_text(ACCOUNTS)
    (catalogue / "front/service.yml").write_text(FRONT.replace("storage: {}", "storage: {user: shop}"))
    desk.template("front", LOGIN)
    desk.apply()
    return desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desk_at(tmp_path / "desk")


def rotate_all(desk: Desk, names: Sequence[str] = (ACCOUNT,)) -> None:
    assert rotate(desk.where, names, desk.report(), lambda plan: True, boot=False)


def versions(desk: Desk) -> dict[str, int]:
    latest = desk.history.latest()
    assert latest
    return latest.desired.secret_versions


def login(desk: Desk) -> str:
    """What `front` logs in with, as generations know it."""
    latest = desk.history.latest()
    assert latest
    (front,) = (each for each in latest.desired.workloads if each.name == "front")
    (file,) = (each for each in front.files if each.name == "front.conf")
    return file.content.split()[0]


def steps_of(desk: Desk) -> list[str]:
    """Ids of the steps in the order in which they ended, collected from now on."""
    seen: list[str] = []

    def note(event: Event) -> None:
        if event.kind == "step" and event.state == "done":
            seen.append(event.id)

    desk.on_event = note
    return seen


def test_a_first_deploy_retires_nothing(desk: Desk) -> None:
    assert "store/retire" not in desk.fake.hosts[HOST].jobs
    assert login(desk) == "shop"


def test_the_new_account_is_made_first_and_the_old_one_goes_last(desk: Desk) -> None:
    seen = steps_of(desk)
    rotate_all(desk)
    steps = [step for step in seen if not step.startswith("write:")]
    assert steps == [f"run:store/accounts@{HOST}", f"restart:front@{HOST}", f"run:store/retire@{HOST}"]
    assert login(desk) == "shop_2"
    rotate_all(desk)
    assert login(desk) == "shop"
    assert versions(desk)[ACCOUNT] == 3
    assert desk.history.head(3).command == f"rotate {ACCOUNT}"


def test_afterwards_nothing_is_left_to_do_and_values_are_others(desk: Desk) -> None:
    store = SecretStore(desk.state, desk.folder / "password")
    before = store.values([ACCOUNT, "store_password"])
    rotate_all(desk)
    after = store.values([ACCOUNT, "store_password"])
    assert before[ACCOUNT] != after[ACCOUNT]
    assert before["store_password"] == after["store_password"]
    assert not desk.plan()


def test_all_leaves_out_what_is_fixed(desk: Desk) -> None:
    rotate_all(desk, ())
    assert versions(desk) == {ACCOUNT: 2, "store_password": 2, "ca_certificate": 1}


def test_the_way_back_takes_the_values_of_then(desk: Desk) -> None:
    store = SecretStore(desk.state, desk.folder / "password")
    before = store.values([ACCOUNT])
    rotate_all(desk)
    seen = steps_of(desk)
    assert rollback(desk.where, None, Goal(), desk.report(), lambda plan: True)
    assert seen[-1] == f"run:store/retire@{HOST}"
    assert login(desk) == "shop"
    assert store.values([ACCOUNT], versions(desk)) == before


def test_what_is_not_in_force_is_not_rotated_again(desk: Desk) -> None:
    rotate_all(desk)
    assert rollback(desk.where, None, Goal(), desk.report(), lambda plan: True)
    with pytest.raises(HostError, match="not in force yet"):
        rotate_all(desk)
    desk.apply()
    rotate_all(desk)
    assert versions(desk)[ACCOUNT] == 3


@pytest.mark.parametrize(("name", "message"), [("front_storage_pasword", "there is no"), ("ca_certificate", "trusts")])
def test_what_cannot_be_rotated_is_told(desk: Desk, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        rotate_all(desk, (name,))
    assert desk.history.generations() == (1,)


def test_not_approved_makes_nothing(desk: Desk) -> None:
    assert rotate(desk.where, [ACCOUNT], desk.report(), lambda plan: False) is None
    assert SecretStore(desk.state, desk.folder / "password").versions()[ACCOUNT] == 1


def test_the_list_names_users_and_no_value(desk: Desk) -> None:
    known = {each.name: each for each in known_secrets(desk.where)}
    assert known[ACCOUNT].users == ("front", "store")
    assert known["ca_certificate"].secret.fixed
    assert {each.version for each in known.values()} == {1}


def test_killed_after_any_event_an_apply_comes_to_the_same_end(tmp_path: Path, desk: Desk) -> None:
    events: list[Event] = []
    desk.on_event = events.append
    rotate_all(desk)
    assert len(events) > 5
    for moment in range(1, len(events) + 1):
        other = desk_at(tmp_path / f"killed-{moment}")
        killed_at_event(other, moment)
        with pytest.raises(Killed):
            rotate_all(other)
        revived(other)
        other.apply()
        if SecretStore(other.state, other.folder / "password").versions()[ACCOUNT] == 1:
            assert login(other) == "shop", moment  # nothing had begun
            continue
        assert login(other) == "shop_2", moment
        assert other.facts() == desk.facts(), moment


@pytest.mark.parametrize("version", range(1, 6))
def test_two_accounts_take_turns(version: int) -> None:
    now, following = taking_turns("user", "a", version), taking_turns("user", "a", version + 1)
    assert {now["user"], now["idle_user"]} == {"a", "a_2"}
    assert now["user"] == following["idle_user"]
    assert taking_turns("user", "a", 1)["user"] == "a"
