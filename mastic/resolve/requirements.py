"""`requires` of the services → those whose `if` holds in this cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mastic.errors import InputError
from mastic.model.catalogue import ServiceFolder
from mastic.resolve.ground import Ground
from mastic.resolve.hosts import cloud_scopes
from mastic.resolve.render import is_wanted

CONDITION = "if"
"""The one key of a requirement that is no parameter: an expression over `cloud` and `hosts`."""


def drop_unwanted_requirements(ground: Ground) -> None:
    """Leave out requirements whose `if` does not hold; notes the problems of those that cannot be told."""
    folders = {name: _wanted(ground, folder) for name, folder in ground.catalogue.folders.items()}
    ground.catalogue = replace(ground.catalogue, folders=folders)


def _wanted(ground: Ground, folder: ServiceFolder) -> ServiceFolder:
    said = folder.service.requires
    if not any(CONDITION in parameters for parameters in said.values()):
        return folder
    kept = {name: _plain(parameters) for name, parameters in said.items() if _holds(ground, folder, name)}
    return replace(folder, service=folder.service.model_copy(update={"requires": kept}))


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parameters.items() if key != CONDITION}


def _holds(ground: Ground, folder: ServiceFolder, capability: str) -> bool:
    scopes = cloud_scopes(ground, next(iter(ground.cloud.hosts)))
    context = {name: scopes[name] for name in ("cloud", "hosts")}
    condition = folder.service.requires[capability].get(CONDITION)
    try:
        return is_wanted(condition, context, folder.place("requires", capability, CONDITION))
    except InputError as error:
        ground.problems.extend(error.problems)
        return True  # what it would have brought is not missed as well
