"""Desired → the answer of `mastic explain`: where a setting's value or a file comes from."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from mastic.errors import InputError, Problem, did_you_mean
from mastic.model.desired import ConfigFile, Desired, Explained, PlacedWorkload


@dataclass(frozen=True)
class FoundFile:
    """A configuration file of a workload."""

    workload: PlacedWorkload
    file: ConfigFile

    @property
    def title(self) -> str:
        return f"{self.workload.id}:{self.file.name}"


def explained(desired: Desired, subject: str, host: str | None = None) -> list[Explained]:
    """Where `service.setting` gets its value, per host when hosts differ.

    Raises InputError for an unknown setting or host.
    """
    check_host(desired, host)
    service, _, setting = subject.partition(".")
    found = [entry for entry in desired.explained if entry.service == service and entry.setting == setting]
    if not found:
        known = [f"{entry.service}.{entry.setting}" for entry in desired.explained]
        raise InputError(unknown("setting", subject, known))
    return [entry for entry in found if host is None or entry.host in (None, host)]


def check_host(desired: Desired, host: str | None) -> None:
    """Raise InputError for a host that the cloud does not have."""
    if host is not None and host not in desired.hosts:
        hint = did_you_mean(host, desired.hosts) or f"hosts: {', '.join(f'`{each}`' for each in desired.hosts)}"
        raise InputError(Problem(f"no host `{host}` in this cloud", hint=hint))


def found_files(desired: Desired, subject: str) -> list[FoundFile]:
    """The file `workload:name` on each host.

    Raises InputError for an unknown file.
    """
    files = {
        (workload.id, file.name): FoundFile(workload, file) for workload in desired.workloads for file in workload.files
    }
    chosen = [found for found in files.values() if f"{found.workload.name}:{found.file.name}" == subject]
    if not chosen:
        known = [f"{found.workload.name}:{found.file.name}" for found in files.values()]
        raise InputError(unknown("file", subject, known))
    return chosen


def unknown(sort: str, subject: str, known: list[str]) -> Problem:
    """Nothing of that name, with what may have been meant."""
    near = get_close_matches(subject, dict.fromkeys(known), n=3, cutoff=0.4)
    example = "`glance.workers` names a setting, `glance-api:glance-api.conf` a file"
    hint = f"did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else example
    return Problem(f"no {sort} `{subject}` in this cloud", hint=hint)


def explained_text(entries: list[Explained]) -> str:
    """Layers from the weakest to the one in force."""
    lines: list[str] = []
    for entry in entries:
        host = f" on `{entry.host}`" if entry.host else ""
        lines.append(f"{entry.service}.{entry.setting}{host} = {entry.value!r}")
        for number, (layer, place, value) in enumerate(entry.layers, 1):
            force = "  ← in force" if number == len(entry.layers) else ""
            where = f"  at {place}" if place else ""
            lines.append(f"  {layer}: {value!r}{where}{force}")
    return "\n".join(lines)


def file_text(found: FoundFile) -> str:
    """What a file holds (references instead of secrets), and where it comes from."""
    file, workload = found.file, found.workload
    head = [found.title]
    if file.origin:
        head.append(f"  from {file.origin}")
    head += [f"  laid over it: {layer.place} ({layer.level})" for layer in file.layers]
    if workload.origin:
        head.append(f"  wanted at {workload.origin}")
    head.append(f"  on change: {file.on_change}")
    if file.secrets:
        head.append(f"  secrets it refers to: {', '.join(file.secrets)}")
    return "\n".join([*head, "", file.content.rstrip("\n")])


def explained_objects(entries: list[Explained]) -> list[dict[str, Any]]:
    """The layers for programs."""
    return [
        {
            "setting": f"{entry.service}.{entry.setting}",
            "host": entry.host,
            "value": entry.value,
            "layers": [
                {"layer": layer, "place": str(place) if place else None, "value": value}
                for layer, place, value in entry.layers
            ],
        }
        for entry in entries
    ]


def file_object(found: FoundFile) -> dict[str, Any]:
    """The file for programs."""
    return {
        "workload": found.workload.id,
        "file": found.file.name,
        "template": str(found.file.origin) if found.file.origin else None,
        "overrides": [{"level": layer.level, "place": str(layer.place)} for layer in found.file.layers],
        "on_change": found.file.on_change,
        "secrets": list(found.file.secrets),
        "content": found.file.content,
    }
