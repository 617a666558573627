"""Catalogue and model → docs/reference, docs/concepts/privileges.md; `--check` says whether they are current."""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import sys
import types
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from pydantic import BaseModel

from mastic.cli.main import COMMANDS, mastic
from mastic.load.catalogue import load_folder
from mastic.model import cloud as cloud_module
from mastic.model import customise as customise_module
from mastic.model import service as service_module
from mastic.model.cloud import Cloud, Host
from mastic.model.customise import Customisation
from mastic.model.service import Service, Setting, Strict, Workload

REPOSITORY = Path(__file__).resolve().parents[1]
Services = list[Service]
GENERATED = "<!-- made by `make docs`; change the source instead -->\n"


def pages(catalogue: Services) -> dict[str, str]:
    """Every generated file by its path below docs/."""
    return {
        "reference/settings.md": settings_page(catalogue),
        "reference/service-yml.md": types_page("service.yml", service_module, Service),
        "reference/cloud-yml.md": types_page("cloud.yml", cloud_module, Cloud, (Host,)),
        "reference/images-yml.md": types_page("images/images.yml", customise_module, Customisation),
        "reference/commands.md": commands_page(),
        "reference/service.schema.json": schema(Service),
        "reference/cloud.schema.json": schema(Cloud),
        "reference/images.schema.json": schema(Customisation),
        "concepts/privileges.md": privileges_page(catalogue),
    }


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def services(path: Path) -> Services:
    """Every service of the catalogue, by name; what they need of each other does not matter here."""
    folders = sorted(file.parent for file in path.glob("[!_]*/service.yml"))
    return [load_folder(folder).service for folder in folders]


def settings_page(catalogue: Services) -> str:
    """A table of settings for each service."""
    parts = ["# Settings", GENERATED, "Said in `cloud.yml` under `settings: {SERVICE: {SETTING: VALUE}}`.\n"]
    for service in catalogue:
        rows = [setting_row(name, setting) for name, setting in service.settings.items()]
        body = table(("setting", "type", "default", "what it does"), rows) if rows else "No settings."
        parts.append(f"## {service.service}\n\n{service.summary}.\n\n{body}\n")
    return "\n".join(parts)


def setting_row(name: str, setting: Setting) -> tuple[str, ...]:
    """One setting."""
    limits = [f"at least {setting.minimum:g}"] if setting.minimum is not None else []
    limits += [f"at most {setting.maximum:g}"] if setting.maximum is not None else []
    sort = " or ".join(f"`{choice}`" for choice in setting.choices) or setting.type
    default = "must be said" if setting.required else shown(setting.default)
    return (f"`{name}`", ", ".join([sort, *limits]), default, setting.help)


def shown(value: Any) -> str:
    """A default as it would be written in YAML."""
    if isinstance(value, BaseModel):  # its own keys have defaults, too
        return ""
    return "" if value is None or value == "" else f"`{value if isinstance(value, str) else json.dumps(value)}`"


def types_page(file: str, module: types.ModuleType, top: type[Strict], further: tuple[type[Strict], ...] = ()) -> str:
    """Every type that may stand in a file, with its keys."""
    own = [kind for kind in vars(module).values() if isinstance(kind, type) and kind.__module__ == module.__name__]
    models = [kind for kind in own if issubclass(kind, Strict) and kind not in (Strict, top, *further)]
    parts = [f"# {file}", GENERATED, "Unknown keys are errors. Editors can use the JSON Schema beside this page.\n"]
    parts += [type_section(kind) for kind in (top, *further, *models)]
    return "\n".join(parts)


def type_section(kind: type[BaseModel]) -> str:
    """The keys of one type."""
    said = attribute_documentation(kind)
    rows = []
    for name, field in kind.model_fields.items():
        required = field.is_required()
        default = "" if required else shown(field.get_default(call_default_factory=True) or None)
        rows.append(
            (
                f"`{field.alias or name}`",
                type_name(field.annotation),
                "yes" if required else default,
                said.get(name, ""),
            )
        )
    summary = inspect.getdoc(kind) or ""
    return f"## {kind.__name__}\n\n{summary}\n\n{table(('key', 'type', 'required or default', 'what it says'), rows)}\n"


def attribute_documentation(kind: type[BaseModel]) -> dict[str, str]:
    """The sentence below each attribute in the source."""
    [body] = [node.body for node in ast.parse(inspect.getsource(kind)).body if isinstance(node, ast.ClassDef)]
    return dict(documented(body))


def documented(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """(attribute, documentation) of attributes that have one."""
    for before, after in pairwise(body):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and is_text:
            assert isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            yield before.target.id, " ".join(str(after.value.value).split())


WORDS = {str: "text", int: "number", float: "number", bool: "true or false", Any: "anything"}


def type_name(annotation: Any) -> str:
    """A type in words: `text`, `list of Mount`, `name → Setting`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is None:
        return plain_type_name(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    parts = [type_name(part) for part in arguments if part not in (type(None), Ellipsis) and not is_constraint(part)]
    if origin is tuple:
        return f"list of {parts[0]}"
    return (" → " if origin is dict else " or ").join(parts)


def is_constraint(part: Any) -> bool:
    """Whether a part of an annotation only limits its values."""
    return not isinstance(part, type) and get_origin(part) is None and part is not Any


def plain_type_name(annotation: Any) -> str:
    """A type without parts."""
    if annotation in WORDS:
        return WORDS[annotation]
    name = str(getattr(annotation, "__name__", annotation))
    is_ours = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return f"[{name}](#{name.lower()})" if is_ours else name


def commands_page() -> str:
    """The help of every command."""
    parts = ["# Commands", GENERATED]
    with click.Context(mastic, info_name="mastic", max_content_width=100, terminal_width=100) as context:
        parts.append(f"```text\n{mastic.get_help(context)}\n```\n")
        for name in COMMANDS:
            command = mastic.get_command(context, name)
            assert command is not None
            inner = click.Context(command, parent=context, info_name=name, terminal_width=100)
            parts.append(f"## mastic {name}\n\n```text\n{command.get_help(inner)}\n```\n")
            for part, sub in command.commands.items() if isinstance(command, click.Group) else ():
                below = click.Context(sub, parent=inner, info_name=part, terminal_width=100)
                parts.append(f"## mastic {name} {part}\n\n```text\n{sub.get_help(below)}\n```\n")
    return "\n".join(parts)


def schema(kind: type[BaseModel]) -> str:
    """JSON Schema of a file, for editors."""
    return json.dumps(kind.model_json_schema(by_alias=True), indent=2, ensure_ascii=False) + "\n"


PRIVILEGES = """# Which containers may do what

No container is privileged. Every container starts with no capability at all and gets only those its `service.yml`
names. All share the host's network namespace. A workload whose process is root inside its container says why; the
list below is made from these reasons.
"""


def privileges_page(catalogue: Services) -> str:
    """Root and capabilities of every workload, with reasons."""
    workloads = [(service, name, workload) for service in catalogue for name, workload in service.workloads.items()]
    root = [(name, workload.root_reason or "") for service, name, workload in workloads if is_root(service, workload)]
    rows = [(f"`{name}`", *privileges(service, workload)) for service, name, workload in workloads]
    return "\n".join(
        [
            PRIVILEGES.replace("\n\n", f"\n\n{GENERATED}\n", 1),
            "## Root inside the container\n",
            table(("workload", "why"), [(f"`{name}`", why) for name, why in root]) if root else "None.",
            "\n## All workloads\n",
            table(("workload", "user", "capabilities", "beside"), rows),
            "",
        ]
    )


def is_root(service: Service, workload: Workload) -> bool:
    """Whether the process starts as root."""
    return user_of(service, workload) == "root"


def user_of(service: Service, workload: Workload) -> str:
    """The user a workload starts as."""
    image = service.images.get(workload.image)
    return workload.user or (image.user if image else None) or "root"


def privileges(service: Service, workload: Workload) -> tuple[str, str, str]:
    """(user, capabilities, what else it gets from the host)."""
    beside = [f"device `{device}`" for device in workload.devices]
    beside += [f"the host's {namespace} namespace" for namespace in workload.host_namespaces]
    beside += [f"`{mount.path}`{' read-only' if mount.read_only else ''}" for mount in workload.mounts]
    beside += ["a writable /proc/sys"] if workload.unmask_proc else []
    capabilities = ", ".join(f"`{name}`" for name in workload.capabilities) or "none"
    return user_of(service, workload), capabilities, ", ".join(beside)


def main() -> int:
    """Write the pages, or say which are not current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is not current")
    check = parser.parse_args().check
    stale = []
    for name, text in pages(services(REPOSITORY / "catalogue")).items():
        path = REPOSITORY / "docs" / name
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    for name in stale:
        print(f"docs/{name} {'is not current: run `make docs`' if check else 'written'}")
    return int(bool(check and stale))


if __name__ == "__main__":
    sys.exit(main())
