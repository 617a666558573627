"""A release's projects and the package index → its lock: versions, hashes and who needs what."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mastic.build.lock import Lock, normalise, parse_lock
from mastic.build.single import find_tool
from mastic.build.sources import authorities, pip_indexes, uv_config
from mastic.errors import BuildError, Problem
from mastic.model.release import Release

KEEP_LINES = 12


@dataclass(frozen=True)
class Wish:
    """A lock that is wanted."""

    name: str
    """Name of the release."""
    release: Release
    roots: tuple[str, ...]
    python: str
    today: str
    """Day up to which projects are taken; with it the same lock can be made again."""
    known: str = ""
    """Text of the lock there is; its versions are kept where they fit."""
    upgrade: bool = False


@dataclass(frozen=True)
class Newer:
    """A distribution of a lock and what the index has instead."""

    name: str
    locked: str | None
    newest: str | None


def today() -> str:
    return date.today().isoformat()


def lock_text(wanted: Wish) -> str:
    """The whole lock; raises BuildError with what the resolver says when there is none or no index answers."""
    with tempfile.TemporaryDirectory(prefix="mastic-lock-") as name:
        folder = Path(name)
        (folder / "roots.in").write_text("\n".join(root_lines(wanted)) + "\n")
        (folder / "uv.toml").write_text(uv_config(*pip_indexes(Path("/"), os.environ)))
        (folder / "lock.txt").write_text(wanted.known)
        done = subprocess.run(
            command(wanted), cwd=folder, env=environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BuildError(failure(wanted, done.stderr))
        return header(wanted) + (folder / "lock.txt").read_text()


def root_lines(wanted: Wish) -> list[str]:
    """What the resolver is asked for: projects in the release's range, and the further roots."""
    return [*(f"{project}=={prefix}.*" for project, prefix in wanted.release.projects.items()), *wanted.roots]


def command(wanted: Wish) -> list[str]:
    """The resolver's run in a folder with its three files; their names come to stand in the lock."""
    return [
        find_tool("uv"), "pip", "compile", "roots.in", "--config-file=uv.toml", "--output-file=lock.txt",
        f"--python-version={wanted.python}",
        "--generate-hashes", "--annotation-style=split", "--no-header", "--no-emit-index-url", "--quiet",
        *(["--upgrade"] if wanted.upgrade else []),
        *days(wanted),
    ]  # fmt: skip


def days(wanted: Wish) -> Iterator[str]:
    """Which uploads count: libraries up to the release's day, its projects up to today."""
    if wanted.release.libraries:
        yield f"--exclude-newer={wanted.release.libraries}T23:59:59Z"
        yield from (f"--exclude-newer-package={project}={wanted.today}" for project in wanted.release.projects)


def environment() -> dict[str, str]:
    trust = authorities(Path("/"), os.environ)
    return os.environ | {"UV_PYTHON_DOWNLOADS": "never"} | ({"SSL_CERT_FILE": str(trust)} if trust else {})


def header(wanted: Wish) -> str:
    libraries = f"libraries as of {wanted.release.libraries}" if wanted.release.libraries else "newest libraries"
    made = f"made on {wanted.today} by `mastic lock {wanted.name}`"
    return f"# {wanted.name} for Python {wanted.python}, {made}, {libraries}\n"


def failure(wanted: Wish, said: str) -> Problem:
    tail = [line for line in said.splitlines() if line.strip()][-KEEP_LINES:]
    quoted = "".join(f"\n    | {line}" for line in tail)
    hint = "the index must answer, and every root must have a version in the release's range"
    return Problem(f"no lock of release `{wanted.name}` can be made{quoted}", hint=hint)


def newer(old: Lock, new: Lock) -> list[Newer]:
    """Where two locks differ."""
    names = sorted({*old.distributions, *new.distributions})
    pairs = [(name, version(old, name), version(new, name)) for name in names]
    return [Newer(*pair) for pair in pairs if pair[1] != pair[2]]


def version(lock: Lock, name: str) -> str | None:
    return lock.distributions[name].version if name in lock.distributions else None


def what_is_newer(wanted: Wish) -> list[Newer]:
    """What the same release would be locked to today."""
    return newer(parse_lock(wanted.known), parse_lock(lock_text(wanted)))


def misfits(release: Release, roots: tuple[str, ...], lock: Lock) -> Iterator[str]:
    """Sentences that say where a lock is not one of this release."""
    for project, prefix in release.projects.items():
        found = version(lock, normalise(project))
        if found is None:
            yield f"it lacks the project `{project}`"
        elif not f"{found}.".startswith(f"{prefix}."):
            yield f"it has `{project}` {found}, the release has {prefix}.*"
    for root in roots:
        if normalise(root) not in lock.distributions:
            yield f"it lacks `{normalise(root)}`"
