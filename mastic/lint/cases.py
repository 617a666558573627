"""A service's `cases/*.yml`: with these settings, these lines stand in the rendered files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from mastic.errors import InputError, Problem
from mastic.load.strict import Document, read_yaml, to_model
from mastic.model.catalogue import Catalogue, CloudFile, ServiceFolder
from mastic.model.cloud import Cloud, Host
from mastic.model.desired import Desired, PlacedJob, PlacedWorkload
from mastic.model.observed import HostFacts
from mastic.model.service import Strict
from mastic.resolve.desired import resolve

FACTS = HostFacts(cpus=2, memory_bytes=8 << 30, disk_free_bytes=50 << 30, addresses=("127.0.0.1",), python="3.13")
"""An ordinary host, for what nobody looks at a real one for."""


class Case(Strict):
    """Given settings of the service, lines expected in its files."""

    settings: dict[str, Any] = Field(default_factory=dict)
    expect: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """File name → texts that stand in it."""


def example_cloud(catalogue: Catalogue, settings: dict[str, dict[str, Any]], path: Path) -> CloudFile:
    """A cloud of one host with every service of the catalogue; `path` is who is told about its settings."""
    services = tuple(catalogue.folders)
    return CloudFile(Cloud(cloud="laptop", hosts={"laptop": Host()}, services=services, settings=settings), path)


def resolve_example(catalogue: Catalogue, cloud_file: CloudFile) -> Desired:
    """The example cloud, with image references that only have the right form.

    Raises InputError with every problem.
    """
    folders = (catalogue.shared, *catalogue.folders.values())
    images = {name: f"mastic/{name}:0000000000000000" for folder in folders for name in folder.service.images}
    return resolve(catalogue, cloud_file, {"laptop": FACTS}, images, {})


def case_problems(catalogue: Catalogue, folder: ServiceFolder) -> Iterator[Problem]:
    """What does not hold in the cases of one service."""
    for path in sorted((folder.path / "cases").glob("*.yml")):
        try:
            document = read_yaml(path)
            case = to_model(Case, document, "case")
            cloud_file = example_cloud(catalogue, {folder.service.service: case.settings}, path)
            desired = resolve_example(catalogue, cloud_file)
        except InputError as error:
            yield from error.problems
            continue
        yield from unmet(case, document, files_of(desired, folder.service.service))


def files_of(desired: Desired, service: str) -> dict[str, str]:
    """Name → content of every file of a service, its jobs' files too."""
    holders: tuple[PlacedJob | PlacedWorkload, ...] = (*desired.jobs, *desired.workloads)
    return {file.name: file.content for holder in holders if holder.service == service for file in holder.files}


def unmet(case: Case, document: Document, files: dict[str, str]) -> Iterator[Problem]:
    """Expected lines that are not there."""
    for name, expected in case.expect.items():
        if name not in files:
            hint = f"its files are {', '.join(f'`{file}`' for file in sorted(files))}"
            yield Problem(f"the service has no file `{name}`", document.place("expect", name), hint)
            continue
        for index, text in enumerate(expected):
            if text not in files[name]:
                place = document.place("expect", name, index)
                yield Problem(f"`{name}` does not hold `{text}`", place, nearest(text, files[name]))


def nearest(text: str, content: str) -> str | None:
    """The line of the file that begins like the expected one."""
    key = text.strip().partition("=")[0].partition(":")[0].strip()
    found = next((line for line in content.splitlines() if key and line.strip().startswith(key)), None)
    return f"there is `{found.strip()}`" if found else None
