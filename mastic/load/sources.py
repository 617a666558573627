"""`sources` of cloud.yml → the content of every folder, file and repository that it names."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

from mastic.errors import InputError, Place, Problem
from mastic.model.catalogue import CloudFile
from mastic.model.source import Source

VERSION = re.compile(r"\d+(\.\d+)*([a-z]+\d*)?(\.(post|dev)\d+)?(\+[\w.]+)?")
ARCHIVES = (".whl", ".tar.gz", ".zip")
LEFT_OUT = {".git", ".tox", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", "__pycache__", "build", "dist"}
"""Folders of a checkout without git that are no part of the project."""


def load_sources(file: CloudFile) -> dict[str, Source]:
    """Everything that `sources` names, by normalised name; raises InputError with every problem."""
    found: dict[str, Source] = {}
    problems: list[Problem] = []
    for name, said in file.cloud.sources.items():
        try:
            source = read_source(normalised(name), said, file.path.parent, file.place("sources", name))
            found[source.name] = source
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return found


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def read_source(name: str, said: str, folder: Path, place: Place) -> Source:
    """One source; a path is relative to the cloud definition."""
    if VERSION.fullmatch(said):
        return Source(name, said, place, version=said)
    if said.startswith("git+"):
        return Source(name, said, place, files=files_of_repository(said, place), is_folder=True)
    path = (folder / Path(said).expanduser()).resolve()
    if path.is_dir():
        return Source(name, said, place, files=files_of_folder(path, place), is_folder=True)
    if path.is_file() and path.name.endswith(ARCHIVES):
        return Source(name, said, place, files={path.name: path.read_bytes()})
    what = "is not a sdist or wheel" if path.is_file() else "is neither a version nor a path that exists"
    hint = "say a version, a folder, a file (.whl, .tar.gz, .zip) or `git+URL@REF`"
    raise InputError(Problem(f"source `{said}` of `{name}` {what}", place, hint))


def files_of_folder(path: Path, place: Place) -> dict[str, bytes]:
    """Every file of a checkout that git tracks or would track; without git all but well-known left-overs."""
    names = git_files(path) if (path / ".git").exists() else walked(path)
    found = {name: (path / name).read_bytes() for name in sorted(names) if (path / name).is_file()}
    if not any(name in found for name in ("pyproject.toml", "setup.py", "setup.cfg")):
        hint = "name the folder that has pyproject.toml or setup.py"
        raise InputError(Problem(f"there is no Python project in `{path}`", place, hint))
    return found


def git_files(path: Path) -> list[str]:
    """Tracked files and those that are new and not ignored."""
    done = git("-C", str(path), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return [name for name in done.stdout.split("\0") if name]


def walked(path: Path) -> list[str]:
    found = []
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if name not in LEFT_OUT and not name.endswith(".egg-info")]
        found += [str((Path(folder) / name).relative_to(path)) for name in files if not name.endswith(".pyc")]
    return found


def files_of_repository(said: str, place: Place) -> dict[str, bytes]:
    """The files of a branch, tag or commit of a repository; asks the repository each time."""
    scheme, _, rest = said.removeprefix("git+").partition("://")
    host, _, path = rest.partition("/")  # `@` before the path is a user's name
    path, _, ref = path.partition("@")
    url, ref = f"{scheme}://{host}/{path}", ref or "HEAD"
    with tempfile.TemporaryDirectory(prefix="mastic-git-") as name:
        for words in (
            ("init", "--quiet", name),
            ("-C", name, "fetch", "--quiet", "--depth=1", url, ref),
            ("-C", name, "checkout", "--quiet", "FETCH_HEAD"),
        ):
            done = git(*words)
            if done.returncode:
                why = (done.stderr.strip().splitlines() or ["git failed"])[-1]
                hint = "the repository must be reachable, and the branch, tag or commit be in it"
                raise InputError(Problem(f"cannot get `{said}`: {why}", place, hint))
        return files_of_folder(Path(name), place)


def git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-c", "safe.directory=*", *words], capture_output=True, text=True, check=False)
