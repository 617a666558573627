"""Plan × Desired → the program that one host's agent performs (see ARCHITECTURE, `Program of perform`); pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mastic.model.desired import ConfigFile, Desired, PlacedJob, PlacedWorkload
from mastic.model.plan import Plan, Step
from mastic.plan.digest import file_digest, files_digest, job_digest, spec_digest

Program = dict[str, Any]
CONFIG_TARGET = "/var/lib/kolla/config_files/"


def compile_program(plan: Plan, desired: Desired, host: str, secrets: Mapping[str, str]) -> Program:
    """Everything one host needs to perform its steps of `plan`, and nothing more: also only the secrets it writes.

    Needs on other hosts are left out: `plan` is a wave, what it needs elsewhere is done.
    """
    steps = [step for step in plan.steps if step.host == host]
    touched = {step.resource for step in steps if step.verb != "bind"}
    workloads = [workload for workload in desired.workloads if workload.id in touched]
    past = desired.departed
    jobs = [job for job in (*desired.jobs, *past.jobs, *past.discards) if job.id in touched]
    files = [file for workload in workloads for file in workload.files] + [file for job in jobs for file in job.files]
    return {
        "cloud": desired.cloud,
        "paths": {"config": f"/etc/mastic/clouds/{desired.cloud}", "agent": f"/var/lib/mastic-agent/{desired.cloud}"},
        "secrets": {name: secrets[name] for name in sorted({name for file in files for name in file.secrets})},
        "workloads": {w.id: _workload(w, desired.secret_versions) for w in workloads},
        "jobs": {job.id: _job(job, desired.secret_versions, steps) for job in jobs},
        "volumes": {v.id: {"name": v.name, "keep": v.keep, "path": v.path} for v in desired.volumes if v.host == host},
        "steps": _steps(steps),
    }


def compile_checks(desired: Desired, host: str, secrets: Mapping[str, str]) -> Program:
    """What a host's agent needs to ask whether the effects of its jobs still stand; only jobs that declare a check."""
    jobs = [job for job in desired.jobs if job.host == host and job.check and job.when != "removal"]
    names = sorted({name for job in jobs for file in job.files for name in file.secrets})
    return {
        "secrets": {name: secrets[name] for name in names},
        "jobs": {job.id: _job(_checking(job), desired.secret_versions, ()) for job in jobs},
    }


def _checking(job: PlacedJob) -> PlacedJob:
    """A job that runs the check instead, in a container and a folder of its own."""
    container = f"{job.container}.check"
    files = tuple(replace(f, content=_with_command(f, job)) if f.name == "config.json" else f for f in job.files)
    mounts = [
        {**mount, "source": str(mount["source"]).replace(f"/{job.container}/", f"/{container}/")}
        if mount.get("target") == CONFIG_TARGET
        else mount
        for mount in job.spec.get("mounts", ())
    ]
    spec = {**job.spec, "name": container, "mounts": mounts}
    return replace(job, container=container, files=files, spec=spec, run=str(job.check))


def _with_command(file: ConfigFile, job: PlacedJob) -> str:
    return json.dumps({**json.loads(file.content), "command": job.check}, indent=2, sort_keys=True) + "\n"


def _workload(workload: PlacedWorkload, versions: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": workload.name,
        "service": workload.service,
        "container": workload.container,
        "spec": workload.spec,
        "spec_digest": spec_digest(workload.spec),
        "files_digest": files_digest(workload, versions),
        "files": _files(workload.files, versions),
        "health": workload.health.model_dump() if workload.health else None,
        "listens": list(workload.listens),
        "reload_signal": workload.reload_signal,
        "stop_seconds": workload.stop_seconds,
        "volumes": list(workload.volumes),
        "slots": dict(workload.slots),
    }


def _job(job: PlacedJob, versions: Mapping[str, int], steps: Iterable[Step]) -> dict[str, Any]:
    image = next((step.detail["image"] for step in steps if step.resource == job.id and "image" in step.detail), None)
    return {
        "name": job.name,
        "service": job.service,
        "container": job.container,
        "spec": {**job.spec, "image": image} if image else job.spec,
        "digest": job_digest(job, versions),
        "files": _files(job.files, versions),
        "seconds": job.seconds,
        "data": list(job.data),
    }


def _files(files: Iterable[ConfigFile], versions: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "name": file.name,
            "content": file.content,
            "digest": file_digest(file, versions),
            "secrets": list(file.secrets),
        }
        for file in files
    ]


def _steps(steps: Iterable[Step]) -> list[dict[str, Any]]:
    here = list(steps)
    ids = {step.id for step in here}
    return [
        {
            "id": step.id,
            "verb": step.verb,
            "resource": step.resource,
            "needs": [need for need in step.needs if need in ids],
            "detail": step.detail,
        }
        for step in here
    ]
