"""Random small clouds: services, workloads, jobs, needs without cycles, on one or two hosts; and how they change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from hypothesis import strategies as st

from mastic.model.desired import ConfigFile, Desired, PlacedJob, PlacedWorkload
from mastic.plan.order import Resource
from tests.plan.clouds import beside, cloud, file, job, volume, workload

Part = TypeVar("Part", PlacedWorkload, PlacedJob)
HOSTS = ("a", "b")
ON_CHANGE = st.sampled_from(["restart", "reload", "nothing"])
SECRETS = st.sampled_from(["", "", "pw", "key"])


@st.composite
def files(draw: st.DrawFn) -> tuple[ConfigFile, ...]:
    names = draw(st.lists(st.sampled_from(["main.conf", "policy.yaml", "map.cfg"]), unique=True, min_size=1))
    return tuple(
        file(name, draw(st.sampled_from(["one", "two"])), draw(ON_CHANGE), draw(SECRETS)) for name in sorted(names)
    )


@st.composite
def resources(draw: st.DrawFn, number: int, earlier: list[Resource], hosts: tuple[str, ...]) -> Resource:
    """A workload or job that may need earlier ones, on any host."""
    host = draw(st.sampled_from(hosts))
    needs: list[str] = []
    if earlier:
        needs = draw(st.lists(st.sampled_from([e.id for e in earlier]), unique=True, min_size=1, max_size=2))
    fields: dict[str, Any] = {"needs": tuple(needs), "files": draw(files())}
    service, tag = draw(st.sampled_from(["red", "green", "blue"])), draw(st.sampled_from("12"))
    data = draw(st.sampled_from([(), (), ("data",), ("data", "more")]))
    if draw(st.integers(0, 3)) == 3:
        when = draw(st.sampled_from(["once", "changed", "removal"]))
        return job(f"j{number}", service, host, tag, data=data, when=when, **fields)
    fields["reload_signal"] = draw(st.sampled_from(["HUP", None]))
    fields["keep_running"] = draw(st.integers(0, 5)) == 5
    found = workload(f"w{number}", service, host, tag, volumes=data, **fields)
    return beside(found, balancer="w0") if number and draw(st.booleans()) else found


@st.composite
def clouds(draw: st.DrawFn) -> Desired:
    hosts = HOSTS[: draw(st.integers(1, 2))]
    found: list[Resource] = []
    for number in range(draw(st.integers(3, 6))):
        found.append(draw(resources(number, found, hosts)))
    shuffled = draw(st.permutations(found))
    keep = draw(st.booleans())
    volumes = [volume(name, host, keep or name == "data", "red") for host in hosts for name in ("data", "more")]
    return replace(cloud(*shuffled, *volumes, hosts=hosts), cloud="lab")


EDITS = [
    "content",
    "content",
    "content",
    "tag",
    "run",
    "drop",
    "no need",
    "on change",
    "rotate",
    "drop file",
    "drop volume",
]
EDITS += ["spec"]


@st.composite
def editions(draw: st.DrawFn) -> tuple[Desired, Desired]:
    """A cloud and what an operator makes of it by a few edits, or quite another cloud."""
    first = draw(clouds())
    if draw(st.integers(0, 9)) == 9:
        return first, draw(clouds())
    second = first
    for kind, number in draw(st.lists(st.tuples(st.sampled_from(EDITS), st.integers(0, 20)), min_size=1, max_size=5)):
        second = edited(second, kind, number)
    return first, second


def edited(desired: Desired, kind: str, number: int) -> Desired:
    """One edit to the resource that `number` picks."""
    if kind == "rotate":
        return replace(desired, secret_versions={name: v + 1 for name, v in desired.secret_versions.items()})
    if kind == "drop volume":
        return _without_volume(desired, desired.volumes[number % len(desired.volumes)].name)
    parts: list[Resource] = [*desired.workloads, *desired.jobs]
    if not parts:
        return desired
    old = parts.pop(number % len(parts))
    new = [] if kind == "drop" else [_edited(old, kind, number)]
    kept = [_without_need(part, old.id) for part in parts] if kind == "drop" else parts
    again = cloud(*kept, *new, *desired.volumes, hosts=desired.hosts)
    return replace(again, secret_versions={**again.secret_versions, **desired.secret_versions})


def _without_need(part: Resource, need: str) -> Resource:
    return replace(part, needs=tuple(each for each in part.needs if each != need))


def _without_volume(desired: Desired, name: str) -> Desired:
    workloads = tuple(_unmounted(part, name) for part in desired.workloads)
    jobs = tuple(replace(_unmounted(job, name), data=tuple(d for d in job.data if d != name)) for job in desired.jobs)
    volumes = tuple(each for each in desired.volumes if each.name != name)
    workloads = tuple(replace(w, volumes=tuple(v for v in w.volumes if v != name)) for w in workloads)
    return replace(desired, workloads=workloads, jobs=jobs, volumes=volumes or desired.volumes)


def _unmounted(part: Part, name: str) -> Part:
    return replace(part, spec={**part.spec, "mounts": [m for m in part.spec["mounts"] if m["source"] != name]})


def _edited(part: Resource, kind: str, number: int) -> Resource:
    files = list(part.files)
    if files and kind in ("content", "on change", "drop file"):
        old = files.pop(number % len(files))
        change = {"content": {"content": old.content + " more"}, "on change": {"on_change": "restart"}, "drop file": {}}
        new = replace(old, **change[kind])  # type: ignore[arg-type]
        return replace(part, files=tuple(files if kind == "drop file" else [*files, new]))
    if kind == "tag":
        return replace(part, spec={**part.spec, "image": f"{part.spec['image']}{number}"})
    if kind == "spec":
        return replace(part, spec={**part.spec, "capabilities": [number]})
    if kind == "run" and isinstance(part, PlacedJob):
        return replace(part, run=f"{part.run} {number}")
    return replace(part, needs=part.needs[1:]) if kind == "no need" else part


@dataclass(frozen=True)
class Accident:
    """Something that happens to a host behind mastic's back."""

    kind: Literal["stop", "kill", "edit", "lose container", "lose volume", "lose image", "forget jobs"]
    number: int
    """Which one of those that are there."""


ACCIDENTS = st.lists(
    st.builds(
        Accident,
        st.sampled_from(
            ["edit", "edit", "edit", "stop", "kill", "lose container", "lose volume", "lose image", "forget jobs"]
        ),
        st.integers(0, 20),
    ),
    max_size=3,
)


def resources_of(desired: Desired) -> dict[str, Resource]:
    found: dict[str, Resource] = {each.id: each for each in desired.jobs}
    return {**found, **{each.id: each for each in desired.workloads}}
