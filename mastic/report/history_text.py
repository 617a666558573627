"""Generations → the texts of `mastic history`, `show`, `rollback`, `gc` and `recover`, and plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mastic.model.generation import Generation, Head
from mastic.report.progress import amount, columns, duration

HEADER = ("GEN", "WHEN", "BY", "COMMAND", "STEPS", "TIME", "RESULT", "SERVICES")
NAMED = 4
Sizes = Mapping[str, Mapping[str, int]]
"""Host → image → bytes."""


def heads_text(heads: Sequence[Head]) -> str:
    """One line per generation, the oldest first; the last one stands."""
    if not heads:
        return "no generation yet: `mastic apply` makes the first one"
    return "\n".join(columns([HEADER, *(row(head) for head in heads)], indent=""))


def row(head: Head) -> tuple[str, ...]:
    services = ", ".join(head.services[:NAMED])
    more = f" and {len(head.services) - NAMED} more" if len(head.services) > NAMED else ""
    when = head.at[:19].replace("T", " ")
    time = duration(head.seconds) if head.seconds else "-"
    return (f"{head.number}", when, head.by, head.command, f"{head.steps}", time, head.result, services + more)


def heads_objects(heads: Sequence[Head]) -> list[dict[str, Any]]:
    """The table for programs."""
    return [asdict(head) for head in heads]


def unfinished_text(run: str, command: str, *counts: int, can_return: bool) -> str:
    """A run that did not come to its end, and the two ways from there."""
    done, failed, left = counts
    told = f"`mastic {command}` of {run} did not come to its end: {done} steps done, {failed} failed, {left} left"
    back = ", `mastic rollback` returns to the last generation" if can_return else ""
    return f"{told}\n  hint: `mastic resume` goes on with it{back}"


def generation_text(found: Generation) -> str:
    """What stood, for people."""
    head, desired = found.head, found.desired
    lines = [
        f"generation {head.number}: `mastic {head.command}` by {head.by} at {head.at}, {head.result}",
        f"  release {head.release}, catalogue {head.catalogue}, {amount(head.steps, 'step')}",
        f"  after generation {head.parent}" if head.parent else "  the first one",
    ]
    if head.stands:
        lines += ["workloads", *columns((w.id, w.spec["image"], files_of(found, w.id)) for w in desired.workloads)]
        lines += ["secrets", *columns((name, f"version {n}") for name, n in sorted(desired.secret_versions.items()))]
    definition = found.intent.cloud_file.rstrip("\n").splitlines()
    return "\n".join([*lines, "cloud definition", *(f"  {line}".rstrip() for line in definition)])


def files_of(found: Generation, id: str) -> str:
    workload = found.desired.workload(id)
    return ", ".join(file.name for file in workload.files) if workload else ""


def generation_object(found: Generation) -> dict[str, Any]:
    """What stood, for programs; files with references in place of secrets."""
    desired = found.desired
    workloads = {
        w.id: {"image": w.spec["image"], "spec": w.spec, "files": {f.name: f.content for f in w.files}}
        for w in desired.workloads
    }
    return {
        **asdict(found.head),
        "images": desired.images,
        "secret_versions": desired.secret_versions,
        "workloads": workloads,
        "jobs": [job.id for job in desired.jobs],
        "volumes": [volume.id for volume in desired.volumes],
        "cloud_file": found.intent.cloud_file,
    }


def returned_text(head: Head) -> str:
    """What stands after a rollback, and what the definition still says."""
    return (
        f"{head.command}: done; it stands as generation {head.number}\n"
        "cloud.yml still says what it said, and the next `mastic apply` brings that back; the definition of then: "
        f"`mastic show {head.number} --definition`"
    )


def collection_text(generations: Sequence[int], runs: Sequence[str], images: Sizes) -> str:
    """What `gc` frees, at least: layers that several images share are not counted."""
    if not generations and not runs and not any(images.values()):
        return "nothing to remove"
    lines = [f"generations {', '.join(map(str, generations))}"] if generations else []
    lines += [f"journals of {amount(len(runs), 'run')}"] if runs else []
    for host, sizes in images.items():
        if sizes:
            lines.append(f"{amount(len(sizes), 'image')} on {host}, at least {size(sum(sizes.values()))}")
            lines += [f"  {line}" for line in columns((image, size(n)) for image, n in sorted(sizes.items()))]
    return "\n".join(["no kept generation needs:", *(f"  {line}" for line in lines)])


def collection_object(generations: Sequence[int], runs: Sequence[str], images: Sizes) -> dict[str, Any]:
    """What `gc` frees, for programs."""
    return {"generations": list(generations), "runs": list(runs), "images": images}


def size(count: int) -> str:
    """`12.3 MB`."""
    return f"{count / 1e6:.1f} MB"


def recovered_text(state: Path, generation: int | None, password: Path | None) -> str:
    """What is there again and what is still missing."""
    lines = [f"recovered: {state}, up to generation {generation}" if generation else f"recovered: {state}"]
    if password:
        lines.append(f"put the vault password into {password}: without it the secrets stay closed")
    return "\n".join([*lines, "`mastic drift` compares the hosts with it"])
