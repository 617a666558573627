"""What holds for every cloud: same input, same Desired; order of settings says nothing; no secret value inside."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mastic.load.catalogue import load_catalogue
from mastic.model.catalogue import Catalogue, CloudFile
from mastic.model.cloud import Cloud, Host
from mastic.model.desired import Desired, PlacedJob, PlacedWorkload
from mastic.resolve.desired import resolve
from tests.cases.runner import FACTS, SMALL_CATALOGUE

GROUPS = ["control", "compute", "network"]
NAMES = ["alpha", "beta", "gamma"]
OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "port": st.integers(8000, 9000),
    "workers": st.integers(1, 64),
    "mode": st.sampled_from(["plain", "fancy"]),
    "debug": st.booleans(),
    "title": st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=20),
    "languages": st.lists(st.sampled_from(["en", "de", "pl"]), max_size=3),
    "banner": st.none() | st.text("abc${}%\\\"'", max_size=8),
}


@cache
def small_catalogue() -> Catalogue:
    return load_catalogue(SMALL_CATALOGUE)


@st.composite
def hosts(draw: st.DrawFn) -> dict[str, Host]:
    """One to three hosts; the first is in every group that the small catalogue needs."""
    found = {"alpha": Host(address="192.0.2.1", groups=("control", "compute"))}
    for number, name in enumerate(NAMES[1 : draw(st.integers(1, 3))], 2):
        groups = draw(st.lists(st.sampled_from(GROUPS), unique=True))
        found[name] = Host(address=f"192.0.2.{number}", groups=tuple(groups))
    return found


@st.composite
def clouds(draw: st.DrawFn) -> Cloud:
    said = draw(st.fixed_dictionaries({}, optional=OPTIONS))
    services = draw(st.permutations(["store", "gate", "web"]))
    return Cloud(
        cloud="lab", api_address="192.0.2.100", hosts=draw(hosts()), services=tuple(services), settings={"web": said}
    )


def resolved(cloud: Cloud, versions: dict[str, int] | None = None) -> Desired:
    catalogue = small_catalogue()
    images = {name: f"mastic/{name}:0123456789abcdef" for name in catalogue.image_owners()}
    return resolve(
        catalogue, CloudFile(cloud, Path("cloud.yml")), {name: FACTS for name in cloud.hosts}, images, versions or {}
    )


def holders(desired: Desired) -> list[PlacedWorkload | PlacedJob]:
    return [*desired.workloads, *desired.jobs]


def text_of(desired: Desired) -> str:
    return json.dumps(asdict(desired), default=str, sort_keys=True)


@given(clouds())
@settings(deadline=None, max_examples=60)
def test_same_input_same_desired(cloud: Cloud) -> None:
    first, second = resolved(cloud), resolved(cloud.model_copy(deep=True))
    assert first == second
    assert text_of(first) == text_of(second)


@given(clouds(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_the_order_of_settings_says_nothing(cloud: Cloud, random: Any) -> None:
    said = list(cloud.settings["web"].items())
    random.shuffle(said)
    other = cloud.model_copy(update={"settings": {"web": dict(said)}})
    assert text_of(resolved(cloud)) == text_of(resolved(other))


@given(clouds())
@settings(deadline=None, max_examples=60)
def test_secrets_are_only_referred_to(cloud: Cloud) -> None:
    desired = resolved(cloud)
    for holder in holders(desired):
        for file in holder.files:
            referred = set(re.findall("@@secret:([a-z_]+)@@", file.content))
            assert referred == set(file.secrets) <= desired.secrets.keys()
        assert "@@secret" not in json.dumps(holder.spec)
    assert desired.secret_versions.keys() == desired.secrets.keys()


@given(clouds(), st.integers(1, 9))
@settings(deadline=None, max_examples=20)
def test_a_version_of_a_secret_changes_nothing_else(cloud: Cloud, version: int) -> None:
    before, after = resolved(cloud), resolved(cloud, {"web_cookie": version, "of_another_cloud": 7})
    assert after.secret_versions == {**before.secret_versions, "web_cookie": version}
    assert (after.workloads, after.jobs, after.volumes) == (before.workloads, before.jobs, before.volumes)


@given(clouds())
@settings(deadline=None, max_examples=60)
def test_needs_name_what_is_placed_and_never_go_in_circles(cloud: Cloud) -> None:
    desired = resolved(cloud)
    needs = {each.id: each.needs for each in holders(desired)}
    done: set[str] = set()
    while ready := [id for id in needs if id not in done and done.issuperset(needs[id])]:
        done.update(ready)
    assert done == needs.keys()


@given(clouds())
@settings(deadline=None, max_examples=40)
def test_every_host_runs_exactly_what_its_groups_say(cloud: Cloud) -> None:
    desired = resolved(cloud)
    workers = cloud.settings["web"].get("workers", 2)
    wanted = {
        f"{workload}@{name}"
        for name, host in cloud.hosts.items()
        for workload, group in (
            ("store", "control"),
            ("gate", "control"),
            ("web-api", "control"),
            ("web-worker", "compute"),
        )
        if group in host.groups and (workload != "web-worker" or workers > 1)
    }
    assert {each.id for each in desired.workloads} == wanted
