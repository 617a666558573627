"""Plan ↔ a file that is applied exactly as it was shown, unless the definition or the world moved since; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter, ValidationError

from mastic.errors import HostError, InputError, Place, Problem
from mastic.model.desired import Desired
from mastic.model.goal import Goal
from mastic.model.observed import Observed, ObservedHost
from mastic.model.plan import Plan, Step
from mastic.plan.digest import digest_of, file_digest, files_digest, job_digest, spec_digest

FORMAT = 1
ABSENT = "absent"


@dataclass(frozen=True)
class SavedPlan:
    """A plan with what it was made from."""

    format: int
    plan: Plan
    goal: Goal
    wanted: dict[str, str]
    """Resource → digest of what was wanted of it, for the whole cloud."""
    seen: dict[str, str]
    """Resource → digest of what was there, for the resources that the plan touches."""


_SAVED = TypeAdapter(SavedPlan)


def save(plan: Plan, desired: Desired, observed: Observed, goal: Goal) -> str:
    """Text of the file; no secret value comes near it."""
    saved = SavedPlan(FORMAT, plan, goal, wanted_digests(desired), seen_digests(plan, desired, observed))
    return _SAVED.dump_json(saved, indent=1).decode() + "\n"


def read_saved(text: str, where: str) -> SavedPlan:
    """Raises InputError for a file that is no saved plan."""
    try:
        saved = _SAVED.validate_json(text)
    except ValidationError:
        hint = "`mastic plan --out FILE` writes one"
        raise InputError(Problem("this is no saved plan", Place(where), hint)) from None
    if saved.format != FORMAT:
        raise InputError(Problem("this plan was saved by another version of mastic", Place(where), "plan anew"))
    return saved


def check_unmoved(saved: SavedPlan, desired: Desired, observed: Observed, where: str) -> None:
    """Raises HostError that names everything that moved since the plan was saved."""
    moved = [f"the definition: {name}" for name in _moved(saved.wanted, wanted_digests(desired))]
    moved += [f"the host: {name}" for name in _moved(saved.seen, seen_digests(saved.plan, desired, observed))]
    if saved.plan.cloud != desired.cloud:
        moved = [f"the cloud: the plan is for `{saved.plan.cloud}`, the definition for `{desired.cloud}`"]
    if moved:
        told = "".join(f"\n    {line}" for line in moved)
        hint = "`mastic plan --out FILE` plans anew"
        raise HostError(Problem(f"this plan is out of date; moved since it was saved:{told}", Place(where), hint))


def wanted_digests(desired: Desired) -> dict[str, str]:
    """Resource → digest of everything that reconcile looks at."""
    versions = desired.secret_versions
    found = {f"volume {v.id}": digest_of([v.keep, v.path]) for v in desired.volumes}
    for workload in desired.workloads:
        files = {file.name: file_digest(file, versions) for file in workload.files}
        found[f"workload {workload.id}"] = digest_of(
            [spec_digest(workload.spec), files_digest(workload, versions), files]
        )
    found |= {f"job {job.id}": digest_of([job_digest(job, versions), job.when]) for job in desired.jobs}
    return dict(sorted(found.items()))


def seen_digests(plan: Plan, desired: Desired, observed: Observed) -> dict[str, str]:
    """Resource → digest of what is there of it."""
    return {
        resource: digest_of(_seen(step, desired, observed.hosts[step.host])) if step.host in observed.hosts else ABSENT
        for step in plan.steps
        for resource in [_resource(step)]
    }


def _resource(step: Step) -> str:
    sorts = {"pull": "image", "run": "job", "volume": "volume", "move": "volume", "bind": "requests to"}
    sort = sorts.get(step.verb, str(step.detail.get("kind", "workload")))
    return f"{sort} {step.resource}"


def _seen(step: Step, desired: Desired, host: ObservedHost) -> object:
    """Not its health and since when it runs: both change by themselves."""
    name = step.resource.rpartition("@")[0]
    if step.verb == "pull":
        return name in host.images
    if step.verb == "volume" or step.detail.get("kind") == "volume":
        return host.volumes.get(str(step.detail["name"]))
    if step.verb == "move":
        return [host.volumes.get(name), host.volume_paths.get(name)]
    if step.verb == "bind":
        return None
    container = str(step.detail["container"]).partition(".")[0]  # the rest of the name is that of a slot
    files = {
        f"{folder}/{file}": asdict(seen)
        for folder, there in sorted(host.files.items())
        for file, seen in there.items()
        if folder.partition(".")[0] == container
    }
    if step.verb == "run" or any(job.id == step.resource for job in desired.jobs):
        stamp = host.jobs.get(name)
        return [asdict(stamp) if stamp else None, files]
    both = [there[name] for there in (host.workloads, host.beside) if name in there]
    return [[[c.container_id, c.container, c.spec_digest, c.files_digest, c.image, c.state] for c in both], files]


def _moved(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [
        f"{name} {_how(before.get(name), now.get(name))}"
        for name in sorted({**before, **now})
        if before.get(name) != now.get(name)
    ]


def _how(before: str | None, now: str | None) -> str:
    if before is None:
        return "is new"
    return "is gone" if now is None or now == ABSENT else "changed"
