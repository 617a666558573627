"""Checks of a catalogue that no single key can answer: names that refer to other names, and files that must exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from mastic.errors import Problem, did_you_mean
from mastic.model.catalogue import Catalogue, ServiceFolder
from mastic.model.desired import RESERVED_SECRETS
from mastic.model.service import File, Health, Job, Setting, Workload
from mastic.model.values import Misfit, fit, is_template

Problems = Iterator[Problem]
_WAYS_OF_HEALTH = ("http", "tcp", "command")


def catalogue_problems(catalogue: Catalogue, tell_unknown: bool = True) -> list[Problem]:
    """Every problem of folders that are right in themselves.

    `tell_unknown` False leaves out names looked up in other folders, because a folder could not be read.
    """
    found: list[Problem] = []
    for folder in (catalogue.shared, *catalogue.folders.values()):
        for check in _FOLDER_CHECKS:
            found.extend(check(folder, catalogue))
        if tell_unknown:
            found.extend(_image_names(folder, catalogue))
    found.extend(_unique_names(catalogue))
    return found


def _image_names(folder: ServiceFolder, catalogue: Catalogue) -> Problems:
    known = catalogue.image_owners()
    service = folder.service
    said: list[tuple[tuple[str, ...], str]] = [
        (("workloads", name, "image"), workload.image) for name, workload in service.workloads.items()
    ]
    said += [(("jobs", name, "image"), job.image) for name, job in service.jobs.items() if job.image]
    roots = {"scratch"} if service.kind == "shared" else set()
    said += [
        (("images", name, "from"), image.from_)
        for name, image in service.images.items()
        if name != image.from_ and image.from_ not in roots
    ]
    for keys, image in said:
        if image not in known and not (service.kind == "shared" and image == "base"):
            yield _unknown("image", image, folder, keys, list(known))


def _references(folder: ServiceFolder, _: Catalogue) -> Problems:
    """Names of workloads and jobs of the same service."""
    service = folder.service
    workloads = list(service.workloads)
    both = [*workloads, *service.jobs]
    for name, workload in service.workloads.items():
        yield from _names(folder, ("workloads", name, "after"), workload.after, both)
        yield from _required(folder, ("workloads", name, "requires"), workload.requires)
    for name, job in service.jobs.items():
        yield from _names(folder, ("jobs", name, "in"), (job.in_,), workloads)
        yield from _names(folder, ("jobs", name, "after"), job.after, both)
        yield from _required(folder, ("jobs", name, "requires"), job.requires)
        if job.after_consumers and not service.provides:
            yield Problem(
                f"`{name}` waits for consumers, and `{service.service}` provides nothing", folder.place("jobs", name)
            )
        yield from _discard(folder, name, job)
        if name in service.workloads:
            yield Problem(f"`{name}` is both a workload and a job", folder.place("jobs", name), "rename one of the two")
    for name, provide in service.provides.items():
        yield from _names(folder, ("provides", name, "ready"), provide.ready, both)
    for name, check in service.checks.items():
        if check.in_:
            yield from _names(folder, ("checks", name, "in"), (check.in_,), workloads)


def _names(folder: ServiceFolder, keys: tuple[str, ...], said: tuple[str, ...], known: list[str]) -> Problems:
    for name in said:
        if name not in known:
            yield _unknown("workload or job" if keys[-1] != "in" else "workload", name, folder, keys, known)


def _discard(folder: ServiceFolder, name: str, job: Job) -> Problems:
    place = folder.place("jobs", name)
    if (job.when == "discard") != (job.consumer_of is not None):
        yield Problem(f"`{name}` must say `consumer_of` exactly when it is `when: discard`", place)
    if job.when == "discard" and job.image:
        yield Problem(f"`{name}` is `when: discard` and runs in the image of `{job.in_}`: leave `image` out", place)
    if job.consumer_of and job.consumer_of not in folder.service.provides:
        known = list(folder.service.provides)
        yield _unknown("capability", job.consumer_of, folder, ("jobs", name, "consumer_of"), known)


def _required(folder: ServiceFolder, keys: tuple[str, ...], said: tuple[str, ...] | None) -> Problems:
    known = list(folder.service.requires)
    for capability in said or ():
        if capability not in known:
            yield _unknown("requirement", capability, folder, keys, known)


def _unknown(what: str, name: str, folder: ServiceFolder, keys: tuple[str, ...], known: list[str]) -> Problem:
    path = ".".join((folder.service.service, *keys))
    hint = did_you_mean(name, known)
    if hint is None and known:
        hint = f"known: {', '.join(f'`{each}`' for each in sorted(known))}"
    return Problem(f"`{path}` names the {what} `{name}`, which does not exist", folder.place(*keys), hint)


def _files(folder: ServiceFolder, catalogue: Catalogue) -> Problems:
    """Templates exist, each file has exactly one source, targets are paths of files and unique."""
    holders: list[tuple[tuple[str, str], Workload | Job]] = [
        (("workloads", name), workload) for name, workload in folder.service.workloads.items()
    ]
    holders += [(("jobs", name), job) for name, job in folder.service.jobs.items()]
    known = [*folder.templates, *catalogue.shared.templates]
    for keys, holder in holders:
        for index, file in enumerate(holder.files):
            yield from _file(folder, (*keys, "files", index), file, known)


def _file(folder: ServiceFolder, keys: tuple[str | int, ...], file: File, known: list[str]) -> Problems:
    place = folder.place(*keys)
    sources = [file.template is not None, file.content is not None, file.optional]
    if sum(sources) != 1:
        hint = "say exactly one of the two, or `optional: true`"
        yield Problem(f"file `{file.to}` must say either `template` or `content`", place, hint)
    if file.template is not None and file.template not in known:
        hint = did_you_mean(file.template, known) or f"make it at {folder.path / 'templates' / file.template}"
        yield Problem(f"there is no template `{file.template}`", folder.place(*keys, "template"), hint)
    if not is_template(file.to) and (not file.to.startswith("/") or file.to.endswith("/")):
        yield Problem(f"`to` must be the absolute path of a file; it is `{file.to}`", folder.place(*keys, "to"))


def _images(folder: ServiceFolder, catalogue: Catalogue) -> Problems:
    """Dockerfile templates, copied files and users exist."""
    known = [*folder.image_files, *catalogue.shared.image_files]
    for name, image in folder.service.images.items():
        if image.template and image.template not in known:
            hint = did_you_mean(image.template, known) or f"make it at {folder.path / 'image' / image.template}"
            place = folder.place("images", name, "template")
            yield Problem(f"there is no Dockerfile template `{image.template}`", place, hint)
        for source in image.copy_:
            if not any(each == source or each.startswith(f"{source.rstrip('/')}/") for each in known):
                hint = did_you_mean(source, known) or f"make it at {folder.path / 'image' / source}"
                place = folder.place("images", name, "copy", source)
                yield Problem(f"there is no file `{source}` to copy into image `{name}`", place, hint)
        if image.user and image.user != "root" and catalogue.users and image.user not in catalogue.users:
            hint = did_you_mean(image.user, catalogue.users) or f"add it to {catalogue.shared.path / 'users.yml'}"
            yield Problem(f"user `{image.user}` has no uid", folder.place("images", name, "user"), hint)


def _health(folder: ServiceFolder, _: Catalogue) -> Problems:
    for name, workload in folder.service.workloads.items():
        if workload.health is not None:
            yield from _one_health(folder, name, workload, workload.health)


def _beside(folder: ServiceFolder, _: Catalogue) -> Problems:
    for name, workload in folder.service.workloads.items():
        if workload.replace == "beside" and workload.frontend is None:
            place = folder.place("workloads", name, "replace")
            hint = "give it a `frontend`, or say `replace: stop-first`"
            yield Problem(f"`{name}` is replaced beside itself, and no load balancer leads to it", place, hint)
    for name, provide in folder.service.provides.items():
        if provide.bind:
            place = folder.place("provides", name, "bind")
            if name != "frontend":
                yield Problem(f"`bind` belongs to capability `frontend`, not to `{name}`", place)
            yield from _names(
                folder, ("provides", name, "bind", "in"), (provide.bind.in_,), list(folder.service.workloads)
            )


def _one_health(folder: ServiceFolder, name: str, workload: Workload, health: Health) -> Problems:
    place = folder.place("workloads", name, "health")
    ways = [way for way in _WAYS_OF_HEALTH if getattr(health, way) is not None]
    choices = ", ".join(f"`{way}`" for way in _WAYS_OF_HEALTH)
    if len(ways) != 1:
        said = f"; it says {' and '.join(f'`{way}`' for way in ways)}" if ways else ""
        yield Problem(f"`{name}`'s health must be exactly one of {choices}{said}", place)
    if health.handshake and health.tcp is None:
        yield Problem(f"`{name}`'s health has a `handshake` but no `tcp` address to expect it at", place)
    if health.http and health.http.startswith("/") and workload.frontend is None:
        hint = "say the whole URL, or give the workload a `frontend`"
        yield Problem(f"`{name}`'s health is a path, and the workload has no address to ask it at", place, hint)


def _checks(folder: ServiceFolder, _: Catalogue) -> Problems:
    for name, check in folder.service.checks.items():
        place = folder.place("checks", name)
        if (check.http is None) == (check.run is None):
            yield Problem(f"check `{name}` must say either `http` or `in` and `run`", place)
        elif (check.run is None) != (check.in_ is None):
            yield Problem(f"check `{name}` must say both `in` and `run`", place)


def _settings(folder: ServiceFolder, _: Catalogue) -> Problems:
    """Defaults fit their type; choices are said where they are needed."""
    declared: list[tuple[tuple[str, ...], Setting]] = [
        (("settings", name), setting) for name, setting in folder.service.settings.items()
    ]
    for provide, said in folder.service.provides.items():
        declared += [(("provides", provide, "parameters", name), each) for name, each in said.parameters.items()]
    for keys, setting in declared:
        yield from _setting(folder, keys, setting)


def _setting(folder: ServiceFolder, keys: tuple[str, ...], setting: Setting) -> Problems:
    path = ".".join((folder.service.service, *keys))
    if (setting.type == "choice") != bool(setting.choices):
        yield Problem(f"`{path}` must say `choices` exactly when its type is `choice`", folder.place(*keys))
        return
    if is_template(setting.default):
        return
    try:
        fit(setting, setting.default)
    except Misfit as misfit:
        place = folder.place(*keys, "default")
        yield Problem(f"the default of `{path}` {misfit}; it is `{setting.default}`", place)


def _secrets(folder: ServiceFolder, _: Catalogue) -> Problems:
    for name, secret in folder.service.secrets.items():
        place = folder.place("secrets", name)
        if name in RESERVED_SECRETS or secret.type == "authority":
            hint = "use `certificate_authority` in templates"
            yield Problem(f"secret `{name}`: the cloud's authority is made by mastic itself", place, hint)
        if secret.type == "certificate" and not secret.names:
            yield Problem(f"certificate `{name}` must say the `names` it is valid for", place)


def _roots(folder: ServiceFolder, _: Catalogue) -> Problems:
    for name, workload in folder.service.workloads.items():
        if workload.user == "root" and not workload.root_reason:
            place = folder.place("workloads", name, "user")
            yield Problem(f"`{name}` runs as root and does not say why", place, "add `root_reason: …`")
        if workload.reload_signal is None:
            for index, file in enumerate(workload.files):
                if file.on_change == "reload":
                    place = folder.place("workloads", name, "files", index)
                    yield Problem(
                        f"file `{PurePosixPath(file.to).name}` of `{name}` wants a reload, "
                        "and the workload has no `reload_signal`",
                        place,
                        "add `reload_signal: HUP`, or say `on_change: restart`",
                    )


def _unique_names(catalogue: Catalogue) -> Problems:
    """Images, containers and secrets are named once in the whole catalogue."""
    owner: dict[tuple[str, str], ServiceFolder] = {}
    for folder in (catalogue.shared, *catalogue.folders.values()):
        service = folder.service
        said = [("image", name, "images") for name in service.images]
        said += [("workload", name, "workloads") for name in service.workloads]
        said += [("secret", name, "secrets") for name in service.secrets]
        for what, name, section in said:
            key = (what, name.replace("-", "_"))
            if key in owner:
                other = owner[key].place(section, name)
                message = f"{what} `{name}` of `{service.service}` exists already in `{owner[key].service.service}`"
                yield Problem(message, folder.place(section, name), f"the other one stands at {other}; rename one")
            owner.setdefault(key, folder)


_FOLDER_CHECKS: tuple[Callable[[ServiceFolder, Catalogue], Problems], ...] = (
    _references,
    _files,
    _images,
    _health,
    _beside,
    _checks,
    _settings,
    _secrets,
    _roots,
)
