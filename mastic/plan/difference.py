"""What one resource's desired and observed states differ in, as verb and cause in words; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from mastic.model.desired import ConfigFile, PlacedJob, PlacedWorkload
from mastic.model.observed import ObservedFile, ObservedHost, ObservedWorkload
from mastic.model.plan import Impact, Verb
from mastic.plan.digest import digest_of, file_digest, files_digest, job_digest, spec_digest

Versions = Mapping[str, int]
"""Secret → version."""
UNDONE = "its effect was changed by hand"
ENDED_ON_REQUEST = (None, 0, 143)
"""Exit codes of a container that was stopped and did not break: 143 is SIGTERM unhandled."""


@dataclass(frozen=True)
class Difference:
    """One change and why."""

    verb: Verb
    cause: str
    impact: Impact = "none"


@dataclass(frozen=True)
class FileDifference:
    """A file on a host that is not as wanted."""

    name: str
    how: Literal["added", "changed", "edited by hand", "no longer wanted"]
    on_change: Literal["restart", "reload", "nothing"]


def file_differences(
    holder: PlacedWorkload | PlacedJob, host: ObservedHost, versions: Versions, folder: str = ""
) -> list[FileDifference]:
    """Every file of a workload or job that has to be written or removed; `folder` is empty without slots."""
    seen = host.files.get(folder or holder.container, {})
    wanted = {file.name for file in holder.files}
    found = [_file_difference(file, seen.get(file.name), versions) for file in holder.files]
    gone = [FileDifference(name, "no longer wanted", "restart") for name in sorted(set(seen) - wanted)]
    return [difference for difference in found if difference] + gone


def _file_difference(file: ConfigFile, seen: ObservedFile | None, versions: Versions) -> FileDifference | None:
    if seen is None:
        return FileDifference(file.name, "added", file.on_change)
    if seen.digest != file_digest(file, versions):
        return FileDifference(file.name, "changed", file.on_change)
    return None if seen.intact else FileDifference(file.name, "edited by hand", file.on_change)


def in_words(differences: Iterable[FileDifference]) -> str:
    """`a.conf, b.conf changed; c.conf edited by hand`."""
    by_how: dict[str, list[str]] = {}
    for difference in differences:
        by_how.setdefault(difference.how, []).append(difference.name)
    return "; ".join(f"{', '.join(names)} {how}" for how, names in by_how.items())


def write_of(
    holder: PlacedWorkload | PlacedJob, host: ObservedHost, versions: Versions, folder: str = ""
) -> Difference | None:
    """Whether the files of a workload or job have to be written."""
    differences = file_differences(holder, host, versions, folder)
    if not differences:
        return None
    if (folder or holder.container) not in host.files:
        return Difference("write", "not there yet")
    return Difference("write", in_words(differences))


def is_edited(holder: PlacedWorkload, host: ObservedHost, folder: str = "") -> bool:
    """Whether a file that a process reads was changed by somebody else: nobody knows what the process has read."""
    seen = host.files.get(folder or holder.container, {})
    return any(f.on_change != "nothing" and f.name in seen and not seen[f.name].intact for f in holder.files)


def change_of(
    workload: PlacedWorkload, host: ObservedHost, versions: Versions, seen: ObservedWorkload | None
) -> Difference | None:
    """What has to happen to `seen`, a workload's container, if anything. Ill health alone is only reported."""
    if seen is None:
        return Difference("start", "not there yet")
    running = seen.state == "running"
    if (cause := spec_cause(workload, seen)) and not (running and is_kept_running(workload, seen)):
        return Difference("replace", cause, "interrupts" if running else "none")
    if not running:
        return Difference("start", _not_running(seen))
    return _files_in_force(workload, seen, host, versions)


def spec_cause(workload: PlacedWorkload, seen: ObservedWorkload) -> str | None:
    """How the container that is there differs from the wanted one; None when it does not."""
    if spec_digest(workload.spec) == seen.spec_digest:
        return None
    if not seen.spec_digest:
        return "made anew by somebody else"
    if _differs_in_image_only(workload, seen):
        return "image changed"
    if workload.spec.get("image") != seen.image:
        return "image and settings of the container changed"
    return "settings of the container changed"


def is_kept_running(workload: PlacedWorkload, seen: ObservedWorkload) -> bool:
    """True for a workload that is left alone with its old image (`keep_running`)."""
    return workload.keep_running and _differs_in_image_only(workload, seen)


def _differs_in_image_only(workload: PlacedWorkload, seen: ObservedWorkload) -> bool:
    wanted = workload.spec.get("image")
    return wanted != seen.image and spec_digest({**workload.spec, "image": seen.image}) == seen.spec_digest


def _not_running(seen: ObservedWorkload) -> str:
    if seen.state == "exited":
        return "stopped" if seen.exit_code in ENDED_ON_REQUEST else f"exited with {seen.exit_code}"
    return {"created": "never started", "restarting": "keeps restarting"}.get(seen.state, seen.state)


def _files_in_force(
    workload: PlacedWorkload, seen: ObservedWorkload, host: ObservedHost, versions: Versions
) -> Difference | None:
    differences = [d for d in file_differences(workload, host, versions, seen.folder) if d.on_change != "nothing"]
    if seen.files_digest is None:
        return Difference("restart", "its last start was not finished", "interrupts")
    if not differences and seen.files_digest == files_digest(workload, versions):
        return None
    cause = in_words(differences) or "written files are not in force yet"
    if _reload_is_enough(workload, seen, host, differences):
        return Difference("reload", cause, "minor")
    return Difference("restart", cause, "interrupts")


def _reload_is_enough(
    workload: PlacedWorkload, seen: ObservedWorkload, host: ObservedHost, differences: Iterable[FileDifference]
) -> bool:
    """Only when exactly these files are not in force: an earlier run may have written others and stopped."""
    if workload.reload_signal is None or any(d.on_change != "reload" for d in differences):
        return False
    known = host.files.get(seen.folder, {})
    read = {f.name: known[f.name].digest for f in workload.files if f.on_change != "nothing" and f.name in known}
    return digest_of(read) == seen.files_digest


def run_of(job: PlacedJob, host: ObservedHost, coming: frozenset[str], versions: Versions) -> Difference | None:
    """Whether a job has to run; `coming` names the volumes that the plan makes on the host. Never a removal job."""
    if job.when == "removal":
        return None
    stamp = host.jobs.get(f"{job.service}/{job.name}")
    if stamp is None and job.when == "rotated" and not _is_rotated(job, versions):
        return None
    if stamp is None:
        return Difference("run", "not run yet")
    for name in job.data:
        if name in coming or stamp.volumes.get(name) != host.volumes.get(name):
            is_known = name in stamp.volumes
            return Difference("run", f"volume {name} is new" if is_known else f"not run on volume {name} yet")
    if job.when in ("changed", "rotated") and stamp.digest != job_digest(job, versions):
        return Difference("run", "its command, files or image changed")
    return Difference("run", f"{UNDONE}: {stamp.undone}") if stamp.undone else None


def _is_rotated(job: PlacedJob, versions: Versions) -> bool:
    return any(versions.get(name, 1) > 1 for file in job.files for name in file.secrets)
