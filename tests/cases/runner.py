"""A case (definitions with something laid over them) → the Desired it leads to, or the problems told."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from mastic.errors import InputError, Problem
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from mastic.model.desired import Desired
from mastic.model.observed import HostFacts, Observed, ObservedHost
from mastic.plan.preflight import preflight
from mastic.resolve.desired import resolve

HERE = Path(__file__).parent
SMALL_CATALOGUE = HERE.parent / "load" / "catalogue"
SMALL_CLOUD = HERE / "cloud.yml"
FACTS = HostFacts(
    cpus=4,
    memory_bytes=32 << 30,
    disk_free_bytes=200 << 30,
    addresses=("127.0.0.1", "192.0.2.11", "192.0.2.12"),
    networks=("192.0.2.0/24",),
    engine="docker 20.10.24",
    python="3.13",
)


def lay_out(case: dict[str, Any], folder: Path) -> tuple[Path, Path]:
    """Write the case's catalogue and cloud.yml into `folder`."""
    catalogue, cloud = folder / "catalogue", folder / "cloud.yml"
    shutil.copytree(SMALL_CATALOGUE, catalogue)
    shutil.copy(SMALL_CLOUD, cloud)
    for name, text in case.get("write", {}).items():
        _write(folder / name, text)
    for name, changes in case.get("change", {}).items():
        for old, new in changes.items():
            before = (folder / name).read_text()
            assert before.count(old) == 1, f"{old!r} stands {before.count(old)} times in {name}"
            (folder / name).write_text(before.replace(old, new))
    return catalogue, cloud


def resolve_at(catalogue: Path, cloud: Path, facts: dict[str, Any] | None = None) -> Desired:
    """Load and resolve; with `facts` preflight as well. Raises InputError with every problem."""
    loaded, cloud_file = load_catalogue(catalogue), load_cloud(cloud)
    images = {name: f"mastic/{name}:0123456789abcdef" for name in loaded.image_owners()}
    seen = {host: replace(FACTS, **_tuples(facts or {})) for host in cloud_file.cloud.hosts}
    desired = resolve(loaded, cloud_file, seen, images, {})
    if facts is not None:
        observed = Observed({host: ObservedHost(host, each) for host, each in seen.items()})
        if problems := preflight(loaded, cloud_file, desired, observed):
            raise InputError(problems)
    return desired


def problems_of(case: dict[str, Any], folder: Path) -> list[Problem]:
    """Everything that is told about a case."""
    catalogue, cloud = lay_out(case, folder)
    try:
        resolve_at(catalogue, cloud, case.get("facts"))
    except InputError as error:
        return list(error.problems)
    return []


def told(problem: Problem, folder: Path) -> dict[str, str]:
    """A problem as a case writes it down, with places relative to the case's folder."""
    said = {"message": problem.message}
    if problem.place:
        said["place"] = str(problem.place).replace(f"{folder}/", "")
    if problem.hint:
        said["hint"] = problem.hint.replace(f"{folder}/", "")
    return said


def _write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _tuples(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
