"""The import rule of ARCHITECTURE.md, and that Python never names a service of the catalogue."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mastic.cli.options import shipped_catalogue

PACKAGE = Path(__file__).parent.parent / "mastic"
MAY_IMPORT = {
    "errors.py": set[str](),
    "model": {"errors"},
    "load": {"errors", "model"},
    "resolve": {"errors", "model", "load.strict"},
    "plan": {"errors", "model", "load.strict"},
    "build": {"errors", "model", "load.strict"},
    "agent": set[str](),
    "execute": {"agent", "errors", "model", "plan"},
    "history": {"errors", "model", "plan"},
    "report": {"build", "errors", "model"},
    "verify": {"errors", "execute", "model", "report"},
    "lint": {"build", "errors", "load", "model", "resolve"},
}
"""Stage → what of mastic it may import beside itself; `pipeline` and `cli` see everything."""
KERNEL_MODULES = {("agent/facts.py", "openvswitch")}
"""Files that name something of the kernel which is called as a service is."""
SEE_EVERYTHING = {
    "pipeline.py",
    "option_gate.py",
    "undertaking.py",
    "returning.py",
    "rotating.py",
    "collecting.py",
    "drifting.py",
    "hosts.py",
    "volumes.py",
    "cli",
    "__main__.py",
    "__init__.py",
}


def imports_of(path: Path) -> Iterator[str]:
    """Full names of the modules a file imports."""
    package = (PACKAGE.name, *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            yield ".".join((*base, *((node.module,) if node.module else ())))


def files_of(stage: str) -> list[Path]:
    root = PACKAGE / stage
    return [root] if root.is_file() else sorted(root.rglob("*.py"))


def is_allowed(module: str, stage: str, allowed: set[str]) -> bool:
    inside = module.removeprefix("mastic.")
    return any(inside == each or inside.startswith(f"{each}.") for each in (*allowed, stage))


def test_every_stage_has_a_rule() -> None:
    stages = {each.name for each in PACKAGE.iterdir() if each.is_dir() and list(each.glob("*.py"))}
    stages |= {each.name for each in PACKAGE.glob("*.py")}
    assert stages == SEE_EVERYTHING | MAY_IMPORT.keys()


@pytest.mark.parametrize("stage", MAY_IMPORT)
def test_a_stage_imports_only_what_stands_before_it(stage: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in files_of(stage)
        for module in imports_of(path)
        if module.split(".")[0] == "mastic" and not is_allowed(module, stage, MAY_IMPORT[stage])
    ]
    assert wrong == []


def test_the_agent_needs_nothing_but_the_standard_library() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in files_of("agent")
        for module in imports_of(path)
        if module.split(".")[0] not in {*sys.stdlib_module_names, "mastic"}
    ]
    assert wrong == []


def test_python_never_names_a_service() -> None:
    services = {each.parent.name for each in shipped_catalogue().glob("*/service.yml")} - {"_shared"}
    assert services
    wrong = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} says {node.value!r}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and node.value in services
        and (path.relative_to(PACKAGE).as_posix(), node.value) not in KERNEL_MODULES
    ]
    assert wrong == []
