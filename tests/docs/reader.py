"""Somebody who types a page's commands, one after the other, in a copy of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.docs.shell_blocks import Block, is_shown

REPOSITORY = Path(__file__).resolve().parents[2]
COPIED = ("mastic", "catalogue", "examples", "docs")
SHIM = f"""#!/bin/sh
exec {sys.executable} -m mastic "$@"
"""


def copy_of_repository(folder: Path) -> Path:
    """What a reader has, with `mastic` in `.venv/bin`; the page's `/tmp` is a folder beside it."""
    for name in COPIED:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shim = folder / ".venv/bin/mastic"
    shim.parent.mkdir(parents=True)
    shim.write_text(SHIM, encoding="utf-8")
    shim.chmod(0o755)
    (folder.parent / "tmp").mkdir()
    return folder


def type_in(blocks: Sequence[Block], folder: Path, environment: Mapping[str, str]) -> str:
    """Run all blocks in one shell that stops at the first failure; returns everything that was shown.

    Folders for temporary files and for state are replaced by the test's own.
    """
    script = "".join(f"echo '--- line {block.line}' >&2\n{block.script}" for block in blocks)
    script = script.replace("/tmp/", f"{folder.parent}/tmp/")
    script = script.replace("/var/lib/mastic/", f"{environment.get('MASTIC_STATE', '/var/lib/mastic')}/")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=600,
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{folder}/.venv/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(folder),
            **environment,
        },
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def not_shown(blocks: Sequence[Block], shown: str) -> list[str]:
    """Lines that the page shows as output and that did not come."""
    return [line for block in blocks for line in block.expected if not is_shown(line, shown)]
