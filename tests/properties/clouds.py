"""Random small clouds: services, workloads, jobs, needs without cycles, up to three hosts; and how they change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from hypothesis import strategies as st

from mastic.model.desired import ConfigFile, Desired
from mastic.plan.order import Resource
from tests.plan.clouds import cloud, file, job, volume, workload

HOSTS = ("a", "b", "c")
ON_CHANGE = st.sampled_from(["restart", "reload", "nothing"])
SECRETS = st.sampled_from(["", "", "pw", "key"])


@st.composite
def files(draw: st.DrawFn) -> tuple[ConfigFile, ...]:
    names = draw(st.lists(st.sampled_from(["main.conf", "policy.yaml", "map.cfg"]), unique=True, max_size=3))
    return tuple(
        file(name, draw(st.sampled_from(["one", "two"])), draw(ON_CHANGE), draw(SECRETS)) for name in sorted(names)
    )


@st.composite
def resources(draw: st.DrawFn, number: int, earlier: list[Resource], hosts: tuple[str, ...]) -> Resource:
    """A workload or job that may need earlier ones, on any host."""
    host = draw(st.sampled_from(hosts))
    needs = draw(st.lists(st.sampled_from([e.id for e in earlier]), unique=True, max_size=3)) if earlier else []
    fields: dict[str, Any] = {"needs": tuple(needs), "files": draw(files())}
    service, tag = draw(st.sampled_from(["red", "green", "blue"])), draw(st.sampled_from("12"))
    data = draw(st.sampled_from([(), (), ("data",), ("data", "more")]))
    if draw(st.integers(0, 3)) == 0:
        when = draw(st.sampled_from(["once", "changed", "removal"]))
        return job(f"j{number}", service, host, tag, data=data, when=when, **fields)
    fields["reload_signal"] = draw(st.sampled_from([None, "HUP"]))
    fields["replace"] = draw(st.sampled_from(["beside", "stop-first"]))
    fields["keep_running"] = draw(st.integers(0, 5)) == 0
    return workload(f"w{number}", service, host, tag, volumes=data, **fields)


@st.composite
def clouds(draw: st.DrawFn) -> Desired:
    hosts = HOSTS[: draw(st.integers(1, 3))]
    found: list[Resource] = []
    for number in range(draw(st.integers(0, 7))):
        found.append(draw(resources(number, found, hosts)))
    shuffled = draw(st.permutations(found))
    keep = draw(st.booleans())
    volumes = [volume(name, host, keep or name == "data", "red") for host in hosts for name in ("data", "more")]
    return replace(cloud(*shuffled, *volumes, hosts=hosts), cloud="lab")


@dataclass(frozen=True)
class Accident:
    """Something that happens to a host behind mastic's back."""

    kind: Literal["stop", "kill", "edit", "lose container", "lose volume", "lose image", "forget jobs"]
    number: int
    """Which one of those that are there."""


ACCIDENTS = st.lists(
    st.builds(
        Accident,
        st.sampled_from(["stop", "kill", "edit", "lose container", "lose volume", "lose image", "forget jobs"]),
        st.integers(0, 20),
    ),
    max_size=3,
)


def resources_of(desired: Desired) -> dict[str, Resource]:
    found: dict[str, Resource] = {each.id: each for each in desired.jobs}
    return {**found, **{each.id: each for each in desired.workloads}}
