"""The verb `run`: a job to its end in a container of its own, output kept, success stamped."""

from __future__ import annotations

import time
from typing import Any

from mastic.agent.files import remove_files
from mastic.agent.records import JOBS, write_private
from mastic.agent.verbs import Step, StepFailed, Work

LAST_LINES = 20
ALL_LINES = 100_000


def run(work: Work, step: Step) -> str:
    """Run a job; between runs nothing of it stays on the host but its output and its stamp."""
    job = work.program["jobs"][step["resource"]]
    name = job["container"]
    if not still_runs(work, job):
        work.engine.remove(name)
        work.create(job, {"mastic.job": job["name"], "mastic.spec": job["digest"]})
        work.engine.start(name)
    code = work.engine.wait(name, job["seconds"])
    output = work.engine.logs(name, ALL_LINES)
    keep_output(work, job, output)
    work.engine.remove(name)
    if code is None:
        raise StepFailed(
            f"job `{job['service']}/{job['name']}` did not end in {job['seconds']} s", output[-LAST_LINES:]
        )
    if code != 0:
        raise StepFailed(f"job `{job['service']}/{job['name']}` exited with {code}", output[-LAST_LINES:])
    stamp(work, job, step)
    remove_files(work.site.config / name, work.site.records)
    return ""


def still_runs(work: Work, job: dict[str, Any]) -> bool:
    """True when the agent was killed but the very job goes on: half a migration must not be cut off and begun anew."""
    found = work.ours(job["container"])
    return found is not None and found.state == "running" and found.labels.get("mastic.spec") == job["digest"]


def keep_output(work: Work, job: dict[str, Any], output: list[str]) -> None:
    path = work.site.records.folder / "logs" / f"{job['service']}.{job['name']}.log"
    write_private(path, "".join(f"{line}\n" for line in output).encode())


def forget(jobs: dict[str, Any], service: str) -> None:
    """What the jobs of a service once did is undone: should it come back, they run again."""
    for id in [id for id in jobs if id.startswith(f"{service}/")]:
        del jobs[id]


def stamp(work: Work, job: dict[str, Any], step: Step) -> None:
    """Record the success, with the creation times of the volumes its effect lives in."""
    volumes = work.engine.volumes()
    data = {name: volumes[name].created_at for name in job.get("data", []) if name in volumes}
    with work.site.records.change(JOBS) as jobs:
        if service := step.get("detail", {}).get("forget"):
            forget(jobs, service)
            return
        jobs[step["resource"].rpartition("@")[0]] = {
            "digest": job["digest"],
            "volumes": data,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
