"""Pages whose commands work as they stand, typed one after the other in a copy of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.shell_blocks import Block, is_shown, shell_blocks

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = ("docs/how-to/add-a-service.md",)
COPIED = ("mastic", "catalogue", "examples", "docs")
SHIM = f"""#!/bin/sh
exec {sys.executable} -m mastic "$@"
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what a reader has, with `mastic` on the PATH."""
    folder = tmp_path / "repository"
    for name in COPIED:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shim = folder / ".venv/bin/mastic"
    shim.parent.mkdir(parents=True)
    shim.write_text(SHIM, encoding="utf-8")
    shim.chmod(0o755)
    return folder


def type_in(blocks: list[Block], folder: Path, page: str) -> str:
    """Run all blocks in one shell, as a reader does, and return everything that was shown."""
    script = "".join(f"echo '--- {page}:{block.line}' >&2\n{block.script}" for block in blocks)
    environment = {
        **os.environ,
        "PATH": f"{folder}/.venv/bin:{os.environ['PATH']}",
        "PYTHONPATH": str(folder),
        "MASTIC_STATE": str(folder.parent / "state"),
        "MASTIC_VAULT_PASSWORD_FILE": str(folder.parent / "vault-password"),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=300,
        cwd=folder,
        env=environment,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_page_work(page: str, copy: Path) -> None:
    blocks = [block for block in shell_blocks((REPOSITORY / page).read_text(encoding="utf-8")) if not block.needs_cloud]
    assert blocks
    shown = type_in(blocks, copy, page)
    assert [line for block in blocks for line in block.expected if not is_shown(line, shown)] == []
