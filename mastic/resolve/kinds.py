"""Catalogue + Cloud → the same catalogue with workloads as their service's kind has them; pure."""

from __future__ import annotations

from dataclasses import replace

from mastic.model.catalogue import Catalogue, ServiceFolder
from mastic.model.cloud import Cloud
from mastic.model.service import Workload


def in_kind(catalogue: Catalogue, cloud: Cloud) -> Catalogue:
    """The catalogue as `kind` and `kinds` of the cloud ask for it."""
    binary = {name for name in catalogue.folders if cloud.kind_of(name) == "binary"}
    if not binary:
        return catalogue
    folders = {name: as_binary(each) if name in binary else each for name, each in catalogue.folders.items()}
    return replace(catalogue, folders=folders)


def as_binary(folder: ServiceFolder) -> ServiceFolder:
    workloads = {name: binary_workload(each) for name, each in folder.service.workloads.items()}
    return replace(folder, service=folder.service.model_copy(update={"workloads": workloads}))


def binary_workload(workload: Workload) -> Workload:
    """The workload with what its `binary` says instead of its own."""
    if workload.binary is None:
        return workload
    return workload.model_copy(update=workload.binary.model_dump(exclude_none=True))
