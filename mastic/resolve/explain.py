"""A configuration file of a workload → the layers it is made of, the template's with the line of every option."""

from __future__ import annotations

from mastic.errors import InputError, Place
from mastic.model.desired import ConfigFile, PlacedWorkload
from mastic.model.overrides import Layer
from mastic.resolve.bindings import find_providers
from mastic.resolve.files import Declared, base_of, declared_files
from mastic.resolve.ground import Ground
from mastic.resolve.override import Over, layer_of
from mastic.resolve.placement import Spot, said_files, workload_subject
from mastic.resolve.spec import Subject
from mastic.resolve.trace import Traced, traced_file


def file_layers(ground: Ground, workload: PlacedWorkload, file: ConfigFile) -> tuple[Layer, ...]:
    """The template and the override files of a file, the strongest last. `ground` is a fresh one."""
    problems = list(find_providers(ground))
    if problems:
        raise InputError(problems)
    declared = ground.folder(workload.service).service.workloads[workload.name]
    subject = workload_subject(ground, Spot(workload.service, workload.name, workload.host), declared)
    said = list(said_files(ground, workload.service, "workloads", workload.name, declared.files))
    found = next((each for each in declared_files(subject, said) if each.name == file.name), None)
    if found is None or found.file.optional:
        return file.layers
    return (_template_layer(subject, found), *file.layers)


def _template_layer(subject: Subject, declared: Declared) -> Layer:
    traced = _traced(subject, declared)
    if declared.lookup is None:
        return Layer("template", traced.file)
    return layer_of(Over("template", traced), declared.lookup)


def _traced(subject: Subject, declared: Declared) -> Traced:
    base = base_of(subject, declared) or Traced("", (), Place(declared.target))
    if declared.file.template is None:
        return base
    ground = subject.ground
    folders = (ground.folder(subject.service), ground.catalogue.shared)
    return traced_file(folders, declared.file.template, base.text, subject.context)
