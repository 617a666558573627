"""A distribution's packages → root file system → image, by one run of mmdebstrap and no Dockerfile."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mastic.build.bootstrap import Bootstrap, root_command
from mastic.build.engine import Engine


@dataclass(frozen=True)
class RootBuild:
    """One root to be made."""

    recipe: Bootstrap
    reference: str
    sources: Path
    """File with apt's sources."""
    log: Path


def build_root(engine: Engine, build: RootBuild) -> int:
    """Make the root and import it; the exit code, 0 when the image stands. A failure leaves no tag."""
    with build.log.open("wb") as log:
        maker = subprocess.Popen(root_command(build.recipe, str(build.sources)), stdout=subprocess.PIPE, stderr=log)
        importer = import_process(engine, build.reference, maker.stdout, log)
        if maker.stdout:
            maker.stdout.close()  # so that mmdebstrap notices when the import ends early
        imported = importer.wait()
        made = maker.wait()
    if made and not imported:  # a cut-short tar may have been imported
        subprocess.run(engine.command("image", "rm", build.reference), capture_output=True, check=False)
    return made or imported


def import_process(engine: Engine, reference: str, tar: IO[bytes] | None, log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(engine.command("import", "-", reference), stdin=tar, stdout=log, stderr=log)
