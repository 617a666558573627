"""One function per verb: a step of a program → the change on this host."""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mastic.agent.container import Placement, create_body
from mastic.agent.engine import Container, Engine
from mastic.agent.files import observe_files, remove_files, write_files
from mastic.agent.health import NotServing, Subject, wait_until_healthy
from mastic.agent.mounts import prepare_sources
from mastic.agent.notices import Notices
from mastic.agent.observe import Site
from mastic.agent.origins import pull_from
from mastic.agent.records import IN_FORCE, MANIFEST
from mastic.agent.slots import folder_of, folder_of_container, in_slot

ALREADY = "already so"
Step = dict[str, Any]


class StepFailed(Exception):
    """A step could not be done; the text is for people."""

    def __init__(self, message: str, log: list[str] | None = None) -> None:
        super().__init__(message)
        self.log = log or []


class Cancelled(Exception):
    """The step had not begun to change anything when the run was told to stop."""


@dataclass(frozen=True)
class Work:
    """Everything a verb works with."""

    engine: Engine
    program: dict[str, Any]
    site: Site
    notices: Notices

    def workload(self, step: Step) -> dict[str, Any]:
        """A workload in the slot that the step is about."""
        return in_slot(self.program["workloads"][step["resource"]], step.get("detail", {}))

    def folder(self, holder: dict[str, Any]) -> Path:
        """Where the files of a workload or job lie on the host."""
        return self.site.config / folder_of(holder)

    def ours(self, name: str) -> Container | None:
        """The container of this name, which must be this cloud's. Raises StepFailed."""
        found = self.engine.inspect(name)
        if found and found.labels.get("mastic.cloud") != self.site.cloud:
            raise StepFailed(f"a container `{name}` exists that is not of cloud `{self.site.cloud}`")
        return found

    def create(self, holder: dict[str, Any], labels: dict[str, str]) -> None:
        """Create the container of a workload or job. Raises StepFailed when what it works with is not there."""
        spec = holder["spec"]
        self.require_files(holder)
        self.require_volumes(spec)
        prepare_sources(spec, self.site.records)
        placement = Placement(
            config_folder=str(self.folder(holder)),
            labels={"mastic.cloud": self.site.cloud, "mastic.service": holder["service"], **labels},
            image_user="" if spec.get("user") else self.engine.image_user(spec["image"]),
            cgroup_parent=self.program.get("cgroup_parent") or "",
        )
        self.engine.create(holder["container"], create_body(spec, placement))

    def require_files(self, holder: dict[str, Any]) -> None:
        """The files must have been written as wanted, and nobody may have touched them since."""
        known = observe_files(self.site.config, self.site.records).get(folder_of(holder), {})
        for file in holder["files"]:
            if known.get(file["name"]) != {"digest": file["digest"], "intact": True}:
                raise StepFailed(f"file `{file['name']}` of `{holder['container']}` is not as it was planned")

    def require_volumes(self, spec: dict[str, Any]) -> None:
        """The engine would make a missing volume by itself, without labels: nobody would find it again."""
        named = {mount["source"] for mount in spec.get("mounts") or [] if mount["type"] == "volume"}
        if missing := sorted(named - set(self.engine.volumes())):
            raise StepFailed(f"volume `{missing[0]}` is not there")


def pull(work: Work, step: Step) -> str:
    """Return when the image is in the engine: built there, or pulled from where the controller says."""
    reference = step.get("detail", {}).get("image") or step["resource"].rpartition("@")[0]
    if work.engine.has_image(reference):
        return ALREADY
    notice = work.notices.image(reference)
    if notice["state"] == "stopped":
        raise Cancelled
    if notice["state"] == "failed":
        raise StepFailed(f"image `{reference}` could not be built: {notice.get('why') or 'see its build log'}")
    if notice.get("origins") and not work.engine.has_image(reference):
        return pull_from(work.engine, reference, notice)
    if not work.engine.has_image(reference):
        raise StepFailed(f"image `{reference}` is not in the engine, and nobody makes it")
    return ""


def write(work: Work, step: Step) -> str:
    """Write the files of a workload or job."""
    resource = step["resource"]
    holder = work.workload(step) if resource in work.program["workloads"] else work.program["jobs"][resource]
    if step.get("detail", {}).get("void_in_force"):
        void(work, folder_of(holder))
    changed = write_files(work.folder(holder), holder["files"], work.program["secrets"], work.site.records)
    return ", ".join(changed) or ALREADY


def start(work: Work, step: Step) -> str:
    """Make the workload's container run and wait until it serves."""
    workload = work.workload(step)
    if not step.get("detail", {}).get("beside"):
        return start_alone(work, step, workload)
    try:
        return start_alone(work, step, workload)
    except NotServing:
        work.engine.stop(workload["container"], None)  # one that fails must get no request beside one that serves
        raise


def start_alone(work: Work, step: Step, workload: dict[str, Any]) -> str:
    found = work.ours(workload["container"])
    if found and not is_as_wanted(workload, found):
        return replace(work, step)
    if found is None:
        void(work, folder_of(workload))
        create_workload(work, workload)
    elif found.state == "running" and has_read_files(work, workload, found):
        already = is_in_force(work, workload, found)
        settle(work, workload, found.restarts)
        return ALREADY if already else ""
    else:
        work.require_files(workload)
        void(work, folder_of(workload))
        if found.state in ("running", "restarting", "paused"):
            work.engine.stop(found.name, workload["stop_seconds"])
    work.engine.start(workload["container"])
    return settle(work, workload, 0)


def replace(work: Work, step: Step) -> str:
    """Stop and remove the old container, then as start."""
    workload = work.workload(step)
    found = work.ours(workload["container"])
    if found and is_as_wanted(workload, found) and found.state == "running" and is_in_force(work, workload, found):
        settle(work, workload, found.restarts)
        return ALREADY
    void(work, folder_of(workload))
    if found:
        take_away(work, found.name)
        if (left := folder_of_container(found)) != folder_of(workload):
            remove_files(work.site.config / left, work.site.records)
    create_workload(work, workload)
    work.engine.start(workload["container"])
    return settle(work, workload, 0)


def restart(work: Work, step: Step) -> str:
    """Restart the process, so that it reads its files anew, and wait until it serves."""
    workload = work.workload(step)
    found = existing(work, workload)
    work.require_files(workload)
    if found.state == "running" and has_read_files(work, workload, found):
        settle(work, workload, found.restarts)
        return ALREADY
    void(work, folder_of(workload))
    work.engine.restart(found.name, workload["stop_seconds"])
    return settle(work, workload, 0)


def reload(work: Work, step: Step) -> str:
    """Copy the files into the running container and tell the process."""
    workload = work.workload(step)
    found = existing(work, workload)
    if found.state != "running":
        raise StepFailed(f"`{found.name}` does not run ({found.state}), so it cannot read its files anew")
    if is_in_force(work, workload, found):
        return ALREADY
    work.require_files(workload)
    void(work, folder_of(workload))
    began = time.time()
    code, output = work.engine.execute(found.name, ["kolla_set_configs"], "root", 60)
    if code != 0:
        raise StepFailed(f"copying files inside `{found.name}` failed", output.splitlines()[-20:])
    if workload.get("reload_signal"):
        work.engine.signal(found.name, workload["reload_signal"])
    return settle(work, workload, found.restarts, began)


def existing(work: Work, workload: dict[str, Any]) -> Container:
    found = work.ours(workload["container"])
    if found is None:
        raise StepFailed(f"container `{workload['container']}` is gone")
    return found


def create_workload(work: Work, workload: dict[str, Any]) -> None:
    labels = {
        "mastic.workload": workload["name"],
        "mastic.spec": workload["spec_digest"],
        "mastic.generation": str(work.program.get("generation", "")),
    }
    if workload.get("slot"):
        labels["mastic.slot"] = workload["slot"]
    work.create(workload, labels)


def take_away(work: Work, name: str) -> None:
    """Stop a container in its own time, then remove it."""
    work.engine.stop(name, None)
    work.engine.remove(name)


def is_as_wanted(workload: dict[str, Any], found: Container) -> bool:
    return bool(found.labels.get("mastic.spec") == workload["spec_digest"])


def has_read_files(work: Work, workload: dict[str, Any], found: Container) -> bool:
    """True when the process started after its files were last written."""
    return seconds_of(found.started_at) >= written_at(work, folder_of(workload))


def is_in_force(work: Work, workload: dict[str, Any], found: Container) -> bool:
    """True when it is on record that this very container serves with the wanted files, written no later."""
    record = work.site.records.read(IN_FORCE).get(folder_of(workload), {})
    wanted = (found.id, workload["files_digest"])
    known = (record.get("container_id"), record.get("files_digest"))
    return known == wanted and float(record["read_at"]) >= written_at(work, folder_of(workload))


def void(work: Work, folder: str) -> None:
    """Forget which files are in force, before that changes: a run that is cut off must not leave a wrong record."""
    with work.site.records.change(IN_FORCE) as in_force:
        in_force.pop(folder, None)


def written_at(work: Work, folder: str) -> float:
    return float(work.site.records.read(MANIFEST).get(folder, {}).get("written", 0))


def settle(work: Work, workload: dict[str, Any], restarts: int, read_at: float | None = None) -> str:
    """Wait until the workload serves, then note which files it serves with; returns what is worth telling.

    Raises NotServing.
    """
    subject = Subject(work.engine, workload["container"], workload.get("health"))
    told = wait_until_healthy(subject, restarts)
    found = existing(work, workload)
    with work.site.records.change(IN_FORCE) as in_force:
        in_force[folder_of(workload)] = {
            "container_id": found.id,
            "files_digest": workload["files_digest"],
            "read_at": read_at or seconds_of(found.started_at),
        }
    return told


def seconds_of(moment: str) -> float:
    """Seconds since the epoch of the engine's `2026-01-31T12:00:00.123456789Z`; 0 for none."""
    if not moment:
        return 0.0
    whole, _, fraction = moment.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{fraction or 0}")


Verb = Callable[[Work, Step], str]
