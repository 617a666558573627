"""Catalogue + Cloud → the same catalogue with workloads as the operator wants them: kind and images; pure."""

from __future__ import annotations

from dataclasses import replace

from mastic.model.catalogue import Catalogue, CloudFile, Own, ServiceFolder
from mastic.model.cloud import Cloud
from mastic.model.service import Workload


def as_wanted(catalogue: Catalogue, cloud_file: CloudFile) -> Catalogue:
    """The catalogue with the kinds and own images that the operator asks for."""
    return with_own_images(in_kind(catalogue, cloud_file.cloud), cloud_file.own)


def with_own_images(catalogue: Catalogue, own: Own) -> Catalogue:
    """Own images are known, and the workloads that should run them do."""
    if not own.spec.add:
        return catalogue
    runs = {workload: name for name, image in own.spec.add.items() for workload in image.workloads}
    shared = catalogue.shared.service
    images = {**shared.images, **own.spec.add}
    folders = {name: running(each, runs) for name, each in catalogue.folders.items()}
    known = replace(catalogue.shared, service=shared.model_copy(update={"images": images}))
    return replace(catalogue, folders=folders, shared=known)


def running(folder: ServiceFolder, runs: dict[str, str]) -> ServiceFolder:
    """The folder with other images for some of its workloads."""
    workloads = {
        name: each.model_copy(update={"image": runs.get(name, each.image)})
        for name, each in folder.service.workloads.items()
    }
    return replace(folder, service=folder.service.model_copy(update={"workloads": workloads}))


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
