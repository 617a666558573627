"""A workload's or job's files on a host → its configuration folder: templates with override files laid over them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from mastic.errors import InputError, Place, Problem, did_you_mean
from mastic.model.desired import ConfigFile
from mastic.model.service import File
from mastic.resolve.context import option_source_of
from mastic.resolve.ground import Ground
from mastic.resolve.lookup import Lookup, format_of, override_names
from mastic.resolve.override import Laid, Over, lay, overs_of
from mastic.resolve.render import is_wanted, render_file, render_text
from mastic.resolve.secrets import referred_secrets
from mastic.resolve.spec import CONFIG_TARGET, Subject, image_reference
from mastic.resolve.trace import Traced


@dataclass(frozen=True)
class Declared:
    """A file of a subject under its name on the host."""

    file: File
    place: Place
    """Where it is declared."""
    target: str
    name: str
    lookup: Lookup | None
    """None when no override file can be laid over it."""


def config_files(subject: Subject, files: list[tuple[File, Place]], command: str) -> tuple[ConfigFile, ...]:
    """The rendered files and the `config.json` that says where they go; raises InputError with every problem."""
    declared = declared_files(subject, files)
    problems = list(_target_problems(declared))
    rendered: list[ConfigFile] = []
    for each in declared:
        try:
            rendered.append(_config_file(subject, each))
        except InputError as error:
            problems.extend(error.problems or (Problem("", None),))
    if problems:
        raise InputError([problem for problem in problems if problem.message])
    entries = [_entry(subject, each) for each in declared]
    text = json.dumps({"command": command, "config_files": entries}, indent=2, sort_keys=True) + "\n"
    return (ConfigFile("config.json", text, "restart", origin=subject.place()), *rendered)


def declared_files(subject: Subject, files: list[tuple[File, Place]]) -> list[Declared]:
    """The files there are on the host: those whose `if` holds, optional ones only when an override file makes them."""
    environment = subject.ground.environment(subject.service)
    wanted = [(file, place) for file, place in files if is_wanted(file.if_, subject.context, place)]
    targets = [render_text(environment, file.to, subject.context, place) for file, place in wanted]
    there = [(each, to) for each, to in zip(wanted, targets, strict=True) if _is_there(subject, each[0], to)]
    names = _names([target for _, target in there])
    return [
        Declared(file, place, target, name, lookup_of(subject, file, target))
        for ((file, place), target), name in zip(there, names, strict=True)
    ]


def _names(targets: list[str]) -> list[str]:
    """Names in the configuration folder: the target's own, or its whole path where two would be the same."""
    count = Counter(PurePosixPath(target).name for target in targets)
    names = []
    for target in targets:
        name = PurePosixPath(target).name
        names.append(name if count[name] == 1 and name != "config.json" else target.strip("/").replace("/", "."))
    return names


def _target_problems(declared: list[Declared]) -> Iterator[Problem]:
    taken: set[str] = set()
    for each in declared:
        if not each.target.startswith("/") or each.target.endswith("/"):
            yield Problem(f"`to` must be the absolute path of a file; it is `{each.target}`", each.place)
        if each.target in taken:
            yield Problem(f"two files go to `{each.target}`", each.place, "remove one, or give both an `if`")
        taken.add(each.target)


def _config_file(subject: Subject, declared: Declared) -> ConfigFile:
    environment, file, lookup = subject.ground.environment(subject.service), declared.file, declared.lookup
    base = base_of(subject, declared)
    laid = Laid(base.text if base else "", ())
    overs: list[Over] = []
    if lookup is not None:
        overs = overs_of(lookup, subject.ground.cloud_file.overrides, environment, subject.context)
        laid = lay(base, overs, lookup)
    origin = base.file if base else overs[-1].traced.file
    return ConfigFile(
        declared.name,
        laid.text,
        file.on_change,
        referred_secrets(laid.text),
        origin,
        layers=laid.layers,
        options_of=image_reference(subject) if lookup and lookup.oslo and subject.section == "workloads" else None,
    )


def base_of(subject: Subject, declared: Declared) -> Traced | None:
    """What the catalogue says, before anything is laid over it; without the places of its lines."""
    environment, file = subject.ground.environment(subject.service), declared.file
    if file.template is not None:
        text = render_file(environment, file.template, subject.context)
        return Traced(text, (), _template_place(subject, file.template))
    if file.content is not None:
        text = render_text(environment, file.content, subject.context, declared.place)
        return Traced(text, (), declared.place)
    return None


def lookup_of(subject: Subject, file: File, target: str) -> Lookup | None:
    """What decides which override files the file has; None when it takes none. Notes what is looked for."""
    name = PurePosixPath(target).name
    format = format_of(file, name)
    if format is None:
        return None
    workload = subject.context["workload"]
    oslo = format == "ini" and option_source_of(subject.ground.catalogue, subject.workload.image) is not None
    lookup = Lookup(subject.service, workload, subject.host, name, format, oslo, file.known_as)
    subject.ground.override_names |= {path: subject.service for _, path in override_names(lookup)}
    return lookup


def _is_there(subject: Subject, file: File, target: str) -> bool:
    """Whether the file exists at all: an optional one only when an override file makes it."""
    lookup = lookup_of(subject, file, target) if file.optional else None
    files = subject.ground.cloud_file.overrides.files
    return not file.optional or (lookup is not None and any(name in files for _, name in override_names(lookup)))


def _template_place(subject: Subject, template: str) -> Place:
    folder = subject.ground.folder(subject.service)
    if template not in folder.templates:
        folder = subject.ground.catalogue.shared
    return Place(str(folder.path / "templates" / template))


def _entry(subject: Subject, declared: Declared) -> dict[str, str]:
    owner = declared.file.owner or subject.owner
    source = f"{CONFIG_TARGET}{declared.name}"
    return {"source": source, "dest": declared.target, "owner": owner, "perm": declared.file.mode}


def unread_problems(ground: Ground) -> Iterator[Problem]:
    """Override files that no file of the cloud reads; ask when all files have been made."""
    overrides, known = ground.cloud_file.overrides, ground.override_names
    for name in overrides.files:
        if name not in known:
            message = f"nothing in cloud `{ground.cloud.cloud}` reads the override file `{name}`"
            yield Problem(message, overrides.place(name), _reader_hint(ground, name))


def _reader_hint(ground: Ground, name: str) -> str:
    known, service = ground.override_names, name.partition("/")[0].removesuffix(".conf")
    if service in ground.catalogue.folders and service not in ground.services:
        return f"add `{service}` to `services`, or remove the file"
    if near := did_you_mean(name, known):
        return near
    read = [path for path, reader in known.items() if reader == service]
    if read:
        return f"`{service}` reads {', '.join(f'`{path}`' for path in read)}"
    return "files are looked for at `global.conf`, `<service>.conf`, `<service>/<workload>.conf`, `<service>/<host>/…`"
