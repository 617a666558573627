"""A service's `cases/*.yml`: with these settings these lines stand in the rendered files, or a problem is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mastic.errors import InputError, Problem, did_you_mean
from mastic.lint.sample import sample_clouds, sample_facts, sample_references
from mastic.load.strict import Document, read_yaml, to_model
from mastic.model.catalogue import Catalogue, CloudFile, ServiceFolder
from mastic.model.cloud import Cloud
from mastic.model.desired import Desired, PlacedJob, PlacedWorkload
from mastic.model.observed import HostFacts
from mastic.model.overrides import Overrides
from mastic.model.service import Strict
from mastic.resolve.desired import resolve


class Case(Strict):
    """What a case file may say."""

    settings: dict[str, Any] = {}
    """Of this service."""
    cloud: dict[str, Any] = {}
    """Laid over the example cloud, key by key."""
    facts: dict[str, Any] = {}
    """Laid over the facts of every host."""
    config: dict[str, str] = {}
    """Override files: path in the folder of overrides → text."""
    expect: dict[str, tuple[str, ...]] = {}
    """Rendered file (`name`, or `container/name`) → lines that stand in it; indentation does not matter."""
    absent: dict[str, tuple[str, ...]] = {}
    """Rendered file → lines that do not."""


@dataclass(frozen=True)
class Example:
    """The cloud that cases are laid over."""

    catalogue: Catalogue
    cloud_file: CloudFile
    facts: dict[str, HostFacts]


def case_files(folder: ServiceFolder) -> list[Path]:
    """The service's cases."""
    return sorted((folder.path / "cases").glob("*.yml"))


def case_problems(folder: ServiceFolder, catalogue: Catalogue) -> list[Problem]:
    """What does not hold in the cases of one service, on a made-up cloud."""
    service = folder.service.service
    cloud_file = next(each for each in sample_clouds(catalogue) if service in each.cloud.services)
    example = Example(catalogue, cloud_file, sample_facts(cloud_file))
    return [problem for path in case_files(folder) for problem in check_case(path, service, example)]


def check_case(path: Path, service: str, example: Example) -> list[Problem]:
    """Resolve the example with the case laid over it, and compare the files it names."""
    try:
        document = read_yaml(path)
        case = to_model(Case, document, "", path.name)
        return [*_unmet(document, case, service, _resolved(document, case, service, example))]
    except InputError as error:
        return list(error.problems)


def _resolved(document: Document, case: Case, service: str, example: Example) -> Desired:
    """Problems of the cloud stand in the case, whose settings they are about."""
    data = _merged(example.cloud_file.cloud.model_dump(mode="json"), case.cloud)
    data = _merged(data, {"settings": {service: case.settings}} if case.settings else {})
    lines = {
        ("settings", service, *keys[1:]): line for keys, line in document.lines.items() if keys[:1] == ("settings",)
    }
    lines |= {keys[1:]: line for keys, line in document.lines.items() if keys[:1] == ("cloud",)}
    cloud = to_model(Cloud, Document(document.path, data, lines), "", "the case's cloud")
    ordinary = next(iter(example.facts.values()))
    facts = {host: replace(ordinary, **case.facts) for host in cloud.hosts}
    references = sample_references(example.catalogue)
    cloud_file = CloudFile(cloud, document.path, lines, Overrides(document.path.with_suffix(""), case.config))
    return resolve(example.catalogue, cloud_file, facts, references, {})


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        merged[key] = _merged(known, value) if isinstance(value, dict) and isinstance(known, dict) else value
    return merged


def _unmet(document: Document, case: Case, service: str, desired: Desired) -> Iterator[Problem]:
    files = _files(desired, service)
    for section, wanted in (("expect", case.expect), ("absent", case.absent)):
        for name, lines in wanted.items():
            if name not in files:
                hint = did_you_mean(name, files) or f"its files are {', '.join(f'`{file}`' for file in sorted(files))}"
                yield Problem(f"the service has no file `{name}`", document.place(section, name), hint)
                continue
            for index, line in enumerate(lines):
                holds = any(line.strip() in [each.strip() for each in text.splitlines()] for text in files[name])
                if holds != (section == "expect"):
                    told = "holds" if holds else "does not hold"
                    hint_line = None if holds else _nearest(line, files[name])
                    yield Problem(f"`{name}` {told} `{line}`", document.place(section, name, index), hint_line)


def _nearest(line: str, texts: list[str]) -> str | None:
    """The line of the file that begins like the expected one."""
    key = line.strip().partition("=")[0].partition(":")[0].strip()
    found = next((each for text in texts for each in text.splitlines() if key and each.strip().startswith(key)), None)
    return f"there is `{found.strip()}`" if found else None


def _files(desired: Desired, service: str) -> dict[str, list[str]]:
    """Texts of the service's rendered files, by name and by container and name."""
    found: dict[str, list[str]] = {}
    all_holders: list[PlacedWorkload | PlacedJob] = [*desired.workloads, *desired.jobs]
    holders = [holder for holder in all_holders if holder.service == service]
    own = {holder.id for holder in holders}
    for holder in (*holders, *(job for job in desired.discards if own.intersection(job.needs))):
        for file in holder.files:
            found.setdefault(file.name, []).append(file.content)
            found[f"{holder.container}/{file.name}"] = [file.content]
    return found
