"""A distribution's packages → root file system → image, by one run of mmdebstrap and no Dockerfile."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mastic.build.engine import Engine
from mastic.build.graph import Bootstrap

EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")
FORGET_SOURCES = 'rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*'
"""Hook: mirrors belong to the machine, not to the image."""


@dataclass(frozen=True)
class RootBuild:
    """One root to be made."""

    recipe: Bootstrap
    reference: str
    sources: Path
    """File with apt's sources."""
    log: Path


def root_command(recipe: Bootstrap, sources: Path) -> list[str]:
    """The mmdebstrap run that writes the root to standard output as a tar."""
    return [
        "mmdebstrap",
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join(recipe.packages)}",
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=Dpkg::Use-Pty "0"',
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED),
        f"--customize-hook={FORGET_SOURCES}",
        recipe.suite,
        "-",
        str(sources),
    ]


def build_root(engine: Engine, build: RootBuild) -> int:
    """Make the root and import it; the exit code, 0 when the image stands. A failure leaves no tag."""
    with build.log.open("wb") as log:
        maker = subprocess.Popen(root_command(build.recipe, build.sources), stdout=subprocess.PIPE, stderr=log)
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
