"""While every API is replaced, steady requests through the load balancer are all answered."""

from __future__ import annotations

from collections.abc import Iterator
from time import time

import pytest

from mastic.verify.api import connect
from mastic.verify.boot import prove_guest
from tests.e2e.engine import containers, restarted, start_times
from tests.e2e.lab import Finished, Lab
from tests.e2e.prober import Prober, probes_of, remove_groups

pytestmark = pytest.mark.cloud

APIS = {"keystone", "glance_api", "placement_api", "nova_api", "nova_metadata", "neutron_server"}
SERVICES = ("keystone", "glance", "placement", "nova", "neutron")
GUESTS = 3
"""Which process hears of a port is drawn by the port's uuid: were half lost, one run in eight would not see it."""
LONGEST_CHANGE = 60.0
"""A bound that only a broken change passes; what it really takes is printed."""


def slots(cloud: Lab) -> dict[str, str]:
    found = containers(cloud.name)
    return {name: str(found[name]["Config"]["Labels"].get("mastic.slot")) for name in APIS}


@pytest.fixture
def as_before(definition: Lab) -> Iterator[Lab]:
    """The cloud, brought back to its definition afterwards."""
    original = definition.definition()
    yield definition
    definition.write(original)
    definition.mastic("apply", "--yes", "--no-verify").succeeded()
    remove_groups(definition.clouds_yaml)


def say_debug(lab: Lab, *services: str) -> None:
    said = lab.definition()
    settings = {name: dict(options) for name, options in said.get("settings", {}).items()}
    for service in services:
        settings.setdefault(service, {})["debug"] = True
    lab.write({**said, "settings": settings})


def test_every_api_is_replaced_without_a_failed_request(as_before: Lab) -> None:
    before = slots(as_before)
    say_debug(as_before, *SERVICES)
    with Prober(probes_of(as_before.clouds_yaml), as_before.state / "ca.pem") as prober:
        finished = as_before.mastic("apply", "--yes", "--no-verify")
    print(f"\nall APIs replaced in {finished.seconds:.1f} s at {prober.rate():.1f} requests/s\n{prober.summary()}")
    finished.succeeded()
    after = slots(as_before)
    assert {name for name in APIS if before[name] != after[name]} == APIS
    assert not [name for name in containers(as_before.name) if "." in name]
    assert prober.failures == []
    assert len(prober.noted) > 20 * finished.seconds * 0.5, "the prober itself was too slow to prove anything"


def test_guests_asked_for_right_after_a_replacement_boot(as_before: Lab) -> None:
    before = slots(as_before)
    say_debug(as_before, "neutron")
    as_before.mastic("apply", "--yes", "--no-verify").succeeded()
    assert slots(as_before)["neutron_server"] != before["neutron_server"]
    for _ in range(GUESTS):
        prove_guest(connect(as_before.clouds_yaml), print)


def test_one_option_is_in_force_soon_and_touches_one_container(as_before: Lab) -> None:
    before = start_times(as_before.name)
    say_debug(as_before, "glance")
    began = time()
    finished = as_before.mastic("apply", "--yes", "--no-verify", "--json").succeeded()
    seconds = in_force(finished) - began
    print(f"\none option in force {seconds:.1f} s after the start of apply; apply took {finished.seconds:.1f} s")
    assert restarted(before, start_times(as_before.name)) == {"glance_api"}
    assert seconds < LONGEST_CHANGE


def in_force(finished: Finished) -> float:
    """The moment from which requests go to the new container only."""
    ended = [event for event in finished.events if event["state"] == "done" and event["kind"] == "step"]
    (bound,) = [event for event in ended if str(event["id"]).startswith("bind:glance")]
    return float(bound["at"])
