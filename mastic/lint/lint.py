"""`mastic lint`: a catalogue's folder → what loading, building and resolving it tell, and the rules of style."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mastic.build.graph import image_graph
from mastic.errors import InputError, Place, Problem, did_you_mean
from mastic.lint.cases import case_problems
from mastic.lint.locks import lock_problems
from mastic.lint.sample import sample_clouds, sample_facts, sample_references
from mastic.lint.style import style_problems
from mastic.load.catalogue import load_catalogue
from mastic.model.catalogue import Catalogue, CloudFile
from mastic.resolve.desired import resolve


def lint(path: Path, services: Sequence[str] = ()) -> list[Problem]:
    """Every problem of the catalogue at `path`, or only those that stand in the folders of `services`."""
    try:
        catalogue = load_catalogue(path)
    except InputError as error:
        return _among(list(error.problems), path, services)
    unknown = [_unknown_service(name, catalogue) for name in services if name not in catalogue.folders]
    if unknown:
        return unknown
    found = lock_problems(catalogue)
    found += [problem for cloud_file in sample_clouds(catalogue) for problem in _meeting(catalogue, cloud_file)]
    for name in services or catalogue.folders:
        folder = catalogue.folders[name]
        found += [*style_problems(folder, catalogue), *case_problems(folder, catalogue)]
    return _among(list(dict.fromkeys(found)), path, services)


def _meeting(catalogue: Catalogue, cloud_file: CloudFile) -> list[Problem]:
    """What shows only when images are derived, templates are rendered, and services meet each other."""
    problems: list[Problem] = []
    references = sample_references(catalogue)
    try:
        references |= image_graph(catalogue, cloud_file).references
    except InputError as error:
        problems += error.problems
    try:
        resolve(catalogue, cloud_file, sample_facts(cloud_file), references, {})
    except InputError as error:
        problems += error.problems
    return problems


def _unknown_service(name: str, catalogue: Catalogue) -> Problem:
    hint = did_you_mean(name, catalogue.folders) or f"`mastic new-service {name}` makes it"
    return Problem(f"there is no service `{name}`", Place(str(catalogue.path)), hint)


def _among(problems: list[Problem], path: Path, services: Sequence[str]) -> list[Problem]:
    """Problems that stand in the folders of `services`; all when none is named."""
    folders = tuple(f"{path / name}/" for name in services)
    return [problem for problem in problems if not folders or str(problem.place or "").startswith(folders)]
