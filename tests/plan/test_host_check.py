"""What keeps machines from being hosts of one cloud is told all at once, with the line of the definition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mastic.load.cloud import cloud_of
from mastic.load.strict import parse_yaml
from mastic.model.observed import HostFacts, Observed, ObservedHost
from mastic.plan.host_check import Look, host_problems

TEXT = """cloud: lab
services: [web]
hosts:
  one: {address: 192.0.2.1}
  two: {address: 192.0.2.2}
  three: {address: 192.0.2.3}
"""
NUMBERS = {"one": 1, "two": 2, "three": 3}


def facts(number: int, **changes: Any) -> HostFacts:
    address = f"192.0.2.{number}"
    common = HostFacts(
        2, 2**33, 2**36, (address,), engine="docker 26.1.5", python="3.13.5", system="debian 13", clock=100
    )
    return replace(common, interfaces={"eth0": {"mtu": 1500, "address": address}}, **changes)


def told(unreachable: dict[str, str] | None = None, **changes: dict[str, Any]) -> list[str]:
    silent = unreachable or {}
    seen = {
        name: ObservedHost(name, facts(number, **changes.get(name, {})))
        for name, number in NUMBERS.items()
        if name not in silent
    }
    file = cloud_of(parse_yaml(TEXT, Path("cloud.yml")))
    problems = host_problems(Look(file, Observed(seen, silent), 99.0, 101.0))
    return [f"{problem.message} at {problem.place}" for problem in problems]


def test_three_good_hosts() -> None:
    assert told() == []


def test_everything_is_told_at_once() -> None:
    found = told(
        {"three": "No route to host"},
        one={"engine": None, "engine_problem": "No such file", "clock": 131.0},
        two={"other_clouds": ("lobby",), "addresses": ("198.51.100.2",)},
    )
    assert found == [
        "host `three` cannot be reached: No route to host at cloud.yml:6",
        "no container engine answers on host `one`: No such file at cloud.yml:4",
        "address `192.0.2.2` is not on host `two` at cloud.yml:5",
        "the clock of host `one` is 30 s ahead of this machine's at cloud.yml:4",
        "host `two` belongs to cloud `lobby` at cloud.yml:5",
    ]


def test_a_clock_within_the_call_is_right() -> None:
    assert told(one={"clock": 98.5}, two={"clock": 101.9}) == []
    assert told(one={"clock": 90.0}) == ["the clock of host `one` is 9 s behind this machine's at cloud.yml:4"]


def test_the_odd_one_out() -> None:
    assert told(three={"system": "debian 12"}) == [
        "host `three` has debian 12, most others have debian 13 at cloud.yml:6",
    ]
