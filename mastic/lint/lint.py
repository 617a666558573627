"""`mastic lint`: catalogue → all its problems, found by loading it and by resolving a cloud of all its services."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from mastic.errors import InputError, Place, Problem
from mastic.lint.cases import case_problems, example_cloud, resolve_example
from mastic.load.catalogue import load_catalogue
from mastic.model.catalogue import Catalogue, ServiceFolder


def lint(path: Path, services: Sequence[str] = ()) -> list[Problem]:
    """Every problem of the catalogue at `path`, or only those that stand in the folders of `services`."""
    try:
        catalogue = load_catalogue(path)
    except InputError as error:
        return among(list(error.problems), path, services)
    unknown = [unknown_service(name, catalogue) for name in services if name not in catalogue.folders]
    if unknown:
        return unknown
    problems = list(resolve_problems(catalogue))
    for name in services or tuple(catalogue.folders):
        problems += folder_problems(catalogue, catalogue.folders[name])
    return among(list(dict.fromkeys(problems)), path, services)


def unknown_service(name: str, catalogue: Catalogue) -> Problem:
    """A service that the catalogue does not have."""
    near = get_close_matches(name, catalogue.folders, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"`mastic new-service {name}` makes it"
    return Problem(f"there is no service `{name}`", Place(str(catalogue.path)), hint)


def among(problems: list[Problem], path: Path, services: Sequence[str]) -> list[Problem]:
    """Problems that stand in the folders of `services`; all when none is named."""
    folders = tuple(f"{path / name}/" for name in services)
    return [problem for problem in problems if not folders or str(problem.place or "").startswith(folders)]


def resolve_problems(catalogue: Catalogue) -> Iterator[Problem]:
    """What shows only when templates are rendered and services meet each other."""
    try:
        resolve_example(catalogue, example_cloud(catalogue, {}, catalogue.path / "cloud.yml"))
    except InputError as error:
        yield from error.problems


def folder_problems(catalogue: Catalogue, folder: ServiceFolder) -> Iterator[Problem]:
    """What only a lint asks for, and the service's cases."""
    if not (folder.path / "README.md").is_file():
        hint = f"say at {folder.path / 'README.md'} how it is operated: containers, data, logs, settings"
        yield Problem(f"`{folder.path.name}` has no page for operators", Place(str(folder.path / "service.yml")), hint)
    yield from unused_templates(folder)
    yield from case_problems(catalogue, folder)


def unused_templates(folder: ServiceFolder) -> Iterator[Problem]:
    """Templates that nothing names: neither a file nor another template."""
    service = folder.service
    named = {file.template for workload in service.workloads.values() for file in workload.files}
    named |= {file.template for job in service.jobs.values() for file in job.files}
    for name in folder.templates:
        told = any(name in text for other, text in folder.templates.items() if other != name)
        if name not in named and not told:
            place = Place(str(folder.path / "templates" / name))
            yield Problem(f"no file is made from template `{name}`", place, "name it under `files`, or remove it")
