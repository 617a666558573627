"""The end of an apply: how long each part took, the endpoints, and what to type next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mastic.model.desired import Desired
from mastic.report.progress import Progress, amount, columns, duration


@dataclass(frozen=True)
class Commands:
    """What is typed to run these programs here."""

    mastic: str = "mastic"
    openstack: str = "openstack"


def summary_text(progress: Progress, desired: Desired, state: Path, commands: Commands) -> str:
    """What a person wants to see when a cloud stands; `state` is the folder of this cloud."""
    lines = [f"Cloud `{desired.cloud}`, OpenStack {desired.release}: {done_text(progress)}", "Time of each part"]
    lines += columns([(name, duration(seconds)) for name, seconds in progress.phases])
    lines.append("Endpoints")
    lines += columns(endpoint_rows(desired))
    lines += next_lines(state, commands)
    return "\n".join(lines)


def done_text(progress: Progress) -> str:
    """Counts of what this command did, without praise."""
    checks = sum(event.kind == "check" for event in progress.done)
    parts = [f"{amount(progress.steps_done, 'step')} done" if progress.steps else "nothing to do"]
    if checks:
        parts.append(f"{amount(checks, 'check')} passed")
    return ", ".join(parts)


def endpoint_rows(desired: Desired) -> list[tuple[str, str, str]]:
    """(service, url, note), the public ones first."""
    ordered = sorted(desired.endpoints, key=lambda endpoint: (endpoint.internal_only, endpoint.service))
    return [(endpoint.workload, endpoint.url, "internal" if endpoint.internal_only else "") for endpoint in ordered]


def next_lines(state: Path, commands: Commands) -> list[str]:
    """Where the credentials lie and how they are used."""
    clouds = state / "clouds.yaml"
    return [
        f"Credentials  {clouds}",
        "Next",
        f"  export OS_CLIENT_CONFIG_FILE={clouds}",
        f"  {commands.openstack} --os-cloud mastic server list",
        f"  {commands.mastic} status",
    ]


def summary_object(progress: Progress, desired: Desired, state: Path) -> dict[str, Any]:
    """The same for programs."""
    return {
        "cloud": desired.cloud,
        "release": desired.release,
        "steps": progress.steps_done,
        "phases": dict(progress.phases),
        "endpoints": {endpoint.workload: endpoint.url for endpoint in desired.endpoints},
        "clouds_yaml": str(state / "clouds.yaml"),
    }
