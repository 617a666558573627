"""A distribution's packages → root file system as a tar, by one run of mmdebstrap and no Dockerfile."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mastic.build.bootstrap import Bootstrap, root_command
from mastic.build.epoch import EPOCH


@dataclass(frozen=True)
class RootBuild:
    """One root to be made."""

    recipe: Bootstrap
    sources: Path
    """File with apt's sources."""
    log: Path


def build_root(build: RootBuild, target: Path) -> int:
    """Write the root's tar to `target`; the exit code, 0 when it is whole."""
    variables = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)}
    with build.log.open("wb") as log, target.open("wb") as tar:
        command = root_command(build.recipe, str(build.sources))
        return subprocess.run(command, stdout=tar, stderr=log, env=variables, check=False).returncode
