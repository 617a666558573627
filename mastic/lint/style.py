"""Rules of style that no schema can say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from jinja2 import Environment, TemplateSyntaxError, meta

from mastic.errors import Place, Problem, did_you_mean
from mastic.model.catalogue import Catalogue, ServiceFolder
from mastic.model.service import Job, Workload
from mastic.resolve.context import image_user_of

Problems = Iterator[Problem]

CAPABILITIES = frozenset(
    [
        "AUDIT_CONTROL",
        "AUDIT_READ",
        "AUDIT_WRITE",
        "BLOCK_SUSPEND",
        "BPF",
        "CHECKPOINT_RESTORE",
        "CHOWN",
        "DAC_OVERRIDE",
        "DAC_READ_SEARCH",
        "FOWNER",
        "FSETID",
        "IPC_LOCK",
        "IPC_OWNER",
        "KILL",
        "LEASE",
        "LINUX_IMMUTABLE",
        "MAC_ADMIN",
        "MAC_OVERRIDE",
        "MKNOD",
        "NET_ADMIN",
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_RAW",
        "PERFMON",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYSLOG",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_CHROOT",
        "SYS_MODULE",
        "SYS_NICE",
        "SYS_PACCT",
        "SYS_PTRACE",
        "SYS_RAWIO",
        "SYS_RESOURCE",
        "SYS_TIME",
        "SYS_TTY_CONFIG",
        "WAKE_ALARM",
    ]
)
"""Capabilities of Linux, as in capabilities(7)."""
_LATEST = re.compile(r"[\w./-]+:latest\b")


def style_problems(folder: ServiceFolder, catalogue: Catalogue) -> list[Problem]:
    """What is careless in one service folder."""
    return [problem for rule in _RULES for problem in rule(folder, catalogue)]


def _readme(folder: ServiceFolder, _: Catalogue) -> Problems:
    path = folder.path / "README.md"
    if not path.is_file() or len(path.read_text(encoding="utf-8").split()) < 10:
        hint = "say what it is, what it keeps and how an operator looks after it"
        yield Problem(f"`{folder.service.service}` has no page for operators", Place(str(path)), hint)


def _helps(folder: ServiceFolder, _: Catalogue) -> Problems:
    service = folder.service
    said = [(("settings", name), setting.help) for name, setting in service.settings.items()]
    said += [(("provides", name), provide.help) for name, provide in service.provides.items()]
    said += [(("checks", name), check.help) for name, check in service.checks.items()]
    for keys, text in said:
        if not text.strip():
            yield Problem(f"`{'.'.join((service.service, *keys))}` has an empty help text", folder.place(*keys, "help"))


def _latest(folder: ServiceFolder, _: Catalogue) -> Problems:
    texts = {f"image/{name}": content.decode("utf-8", "replace") for name, content in folder.image_files.items()}
    texts["service.yml"] = (folder.path / "service.yml").read_text(encoding="utf-8")
    for name, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            if match := _LATEST.search(line):
                hint = "name a version, so that the same catalogue gives the same image"
                yield Problem(f"`{match[0]}` changes under the cloud", Place(str(folder.path / name), number), hint)


def _capabilities(folder: ServiceFolder, _: Catalogue) -> Problems:
    for name, workload in folder.service.workloads.items():
        for index, capability in enumerate(workload.capabilities):
            if capability not in CAPABILITIES:
                place = folder.place("workloads", name, "capabilities", index)
                hint = did_you_mean(capability.removeprefix("CAP_"), CAPABILITIES)
                yield Problem(f"`{name}` wants the capability `{capability}`, which Linux does not have", place, hint)


def _roots(folder: ServiceFolder, catalogue: Catalogue) -> Problems:
    for name, workload in folder.service.workloads.items():
        user = workload.user or image_user_of(catalogue, workload.image)
        if user == "root" and not workload.root_reason:
            message = f"`{name}` runs as root, because its image `{workload.image}` names no user"
            hint = "give the image a `user`, or the workload a `root_reason`"
            yield Problem(message, folder.place("workloads", name), hint)


def _health(folder: ServiceFolder, _: Catalogue) -> Problems:
    for name, workload in folder.service.workloads.items():
        if workload.health is None:
            hint = "a step cannot tell when it is ready; add `health: {http: …}`, `{tcp: …}` or `{command: …}`"
            yield Problem(f"`{name}` has no health", folder.place("workloads", name), hint)


def _templates(folder: ServiceFolder, _: Catalogue) -> Problems:
    """Templates that no file and no other template names."""
    used = {file.template for holder in _holders(folder) for file in holder.files}
    for text in folder.templates.values():
        used |= _imported(text)
    for name in folder.templates:
        if name not in used:
            place = Place(str(folder.path / "templates" / name))
            yield Problem(f"no file is made from template `{name}`", place, "name it under `files`, or remove it")


def _secrets(folder: ServiceFolder, _: Catalogue) -> Problems:
    text = _whole_text(folder)
    for name in folder.service.secrets:
        if not re.search(rf"""secret\(\s*['"]{re.escape(name)}['"]""", text):
            yield Problem(f"nothing uses the secret `{name}`", folder.place("secrets", name))


def _settings(folder: ServiceFolder, _: Catalogue) -> Problems:
    text = _whole_text(folder)
    for name in folder.service.settings:
        if not re.search(rf"""settings(\.{name}\b|\[['"]{re.escape(name)}['"]\])""", text):
            yield Problem(f"nothing uses the setting `{name}`", folder.place("settings", name))


def _image_files(folder: ServiceFolder, _: Catalogue) -> Problems:
    """Files under `image/` that no image copies and no Dockerfile template or script names."""
    copied = [source.rstrip("/") for image in folder.service.images.values() for source in image.copy_]
    templates = {image.template for image in folder.service.images.values()}
    for name in folder.image_files:
        if name in templates or name.rpartition("/")[2] == "README.md":
            continue
        if any(name == source or name.startswith(f"{source}/") for source in copied):
            continue
        others = (content for other, content in folder.image_files.items() if other != name)
        if not any(name.rpartition("/")[2].encode() in content for content in others):
            yield Problem(f"nothing uses `image/{name}`", Place(str(folder.path / "image" / name)))


def _cases(folder: ServiceFolder, _: Catalogue) -> Problems:
    if folder.templates and not list((folder.path / "cases").glob("*.yml")):
        hint = "add one: settings → lines of the rendered files"
        yield Problem(f"`{folder.service.service}` has no case", Place(str(folder.path / "cases")), hint)


def _holders(folder: ServiceFolder) -> list[Workload | Job]:
    return [*folder.service.workloads.values(), *folder.service.jobs.values()]


def _imported(text: str) -> set[str | None]:
    try:
        return set(meta.find_referenced_templates(Environment(autoescape=False).parse(text)))
    except TemplateSyntaxError:
        return set()


def _whole_text(folder: ServiceFolder) -> str:
    return "\n".join([(folder.path / "service.yml").read_text(encoding="utf-8"), *folder.templates.values()])


_RULES: tuple[Callable[[ServiceFolder, Catalogue], Problems], ...] = (
    _readme,
    _helps,
    _latest,
    _capabilities,
    _roots,
    _health,
    _templates,
    _secrets,
    _settings,
    _image_files,
    _cases,
)
