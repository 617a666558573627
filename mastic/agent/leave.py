"""The verbs by which something old goes: its requests first, then container and files, or a volume."""

from __future__ import annotations

import shlex
from pathlib import Path

from mastic.agent.files import remove_files
from mastic.agent.health import last_line
from mastic.agent.tree import discard
from mastic.agent.verbs import ALREADY, Step, StepFailed, Work, take_away, void


def bind(work: Work, step: Step) -> str:
    """Let the load balancer bring a workload's requests to one of its slots; one that does not run brings none."""
    detail = step["detail"]
    found = work.ours(detail["container"])
    if found is None or found.state != "running":
        return f"`{detail['container']}` does not run"
    code, output = work.engine.execute(found.name, shlex.split(detail["command"]), None, float(detail["seconds"]))
    if code != 0:
        raise StepFailed(f"`{detail['command']}` in `{found.name}` exited with {code}", output.splitlines()[-20:])
    return last_line(output)


def stop(work: Work, step: Step) -> str:
    """Stop the workload's container."""
    name = container_name(work, step)
    found = work.ours(name)
    if found is None or found.state in ("exited", "created", "dead"):
        return ALREADY
    work.engine.stop(name, None)
    return ""


def remove(work: Work, step: Step) -> str:
    """Remove a container with its files, or a volume; the container that took over gets the workload's name."""
    detail = step.get("detail", {})
    if detail.get("kind") == "volume":
        return remove_volume(work, detail["name"])
    name = container_name(work, step)
    found = work.ours(name)
    if found:
        take_away(work, name)
    folder = detail.get("folder") or name
    remove_files(work.site.config / folder, work.site.records)
    void(work, folder)
    successor = work.ours(detail["successor"]) if "successor" in detail else None
    if successor:  # last: it tells that nothing of the old one is left
        work.engine.rename(successor.name, detail["takes"])
    return "" if found or successor else ALREADY


def remove_volume(work: Work, name: str) -> str:
    found = work.engine.volumes().get(name)
    if found is None:
        return ALREADY
    if found.labels.get("mastic.cloud") != work.site.cloud:
        raise StepFailed(f"volume `{name}` is not of cloud `{work.site.cloud}`")
    work.engine.remove_volume(name)
    if found.device:  # the engine leaves a folder of the operator's choice as it is
        discard(Path(found.device))
    return ""


def container_name(work: Work, step: Step) -> str:
    """Also of a workload that the program no longer describes."""
    workload = work.program["workloads"].get(step["resource"], {})
    return str(step.get("detail", {}).get("container") or workload["container"])
