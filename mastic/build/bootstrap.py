"""The declared packages of a root → the mmdebstrap run that makes it; pure."""

from __future__ import annotations

from dataclasses import dataclass

EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")
FORGET_SOURCES = 'rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*'
"""Hook: mirrors belong to the machine, not to the image."""


@dataclass(frozen=True)
class Bootstrap:
    """A root file system made from the distribution's packages instead of a Dockerfile."""

    family: str
    suite: str
    packages: tuple[str, ...]
    architecture: str | None = None
    """Processor as Debian calls it, when it is not the building machine's own."""


def root_command(recipe: Bootstrap, sources: str) -> list[str]:
    """The mmdebstrap run that writes the root to standard output as a tar."""
    return [
        "mmdebstrap",
        "--variant=minbase",
        "--format=tar",
        *([f"--architectures={recipe.architecture}"] if recipe.architecture else []),
        f"--include={','.join(recipe.packages)}",
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=Dpkg::Use-Pty "0"',
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED),
        f"--customize-hook={FORGET_SOURCES}",
        recipe.suite,
        "-",
        sources,
    ]
