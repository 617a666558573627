"""catalogue/ → Catalogue: every service folder read and checked, all problems at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mastic.errors import InputError, Place, Problem
from mastic.load.bases import load_bases
from mastic.load.checks import catalogue_problems
from mastic.load.strict import Document, read_yaml, to_model
from mastic.model.base import Bases
from mastic.model.catalogue import Catalogue, ServiceFolder
from mastic.model.service import Service

SHARED = "_shared"


def load_catalogue(path: Path) -> Catalogue:
    """Read all service folders under `path`; raises InputError with every problem of every folder."""
    problems: list[Problem] = []
    folders: dict[str, ServiceFolder] = {}
    if not path.is_dir():
        raise InputError(Problem("there is no catalogue of services", Place(str(path))))
    for folder in sorted(each for each in path.iterdir() if (each / "service.yml").is_file()):
        try:
            folders[folder.name] = load_folder(folder)
        except InputError as error:
            problems.extend(error.problems)
    shared = folders.pop(SHARED, None) or _no_shared(path / SHARED)
    catalogue = Catalogue(
        path,
        folders,
        shared,
        _users(path / SHARED, problems),
        _locks(path / SHARED / "locks"),
        {each.name.removeprefix("python"): _locks(each) for each in sorted((path / SHARED / "locks").glob("python3*"))},
        _bases(path / SHARED, problems),
    )
    problems.extend(catalogue_problems(catalogue, tell_unknown=not problems))
    if problems:
        raise InputError(problems)
    return catalogue


def load_folder(path: Path) -> ServiceFolder:
    """Read one service folder; raises InputError when its `service.yml` is wrong in itself."""
    document = read_yaml(path / "service.yml")
    name = path.name
    if name == SHARED:
        name = "shared"
    service = to_model(Service, document, name, f"{name}/service.yml")
    if service.service != name:
        wanted = f"`service` must be the folder's name `{name}`; it is `{service.service}`"
        raise InputError(Problem(wanted, document.place("service")))
    templates = {key: content.decode("utf-8", "replace") for key, content in _files(path / "templates").items()}
    return ServiceFolder(service, path, document.lines, templates, _files(path / "image"))


def _files(path: Path) -> dict[str, bytes]:
    """Every file under `path` by its name relative to it."""
    if not path.is_dir():
        return {}
    found = sorted(each for each in path.rglob("*") if each.is_file() and "__pycache__" not in each.parts)
    return {each.relative_to(path).as_posix(): each.read_bytes() for each in found}


def _no_shared(path: Path) -> ServiceFolder:
    """A catalogue without shared parts."""
    return ServiceFolder(Service(service="shared", summary="Nothing shared", kind="shared"), path)


def _users(path: Path, problems: list[Problem]) -> dict[str, tuple[int, int]]:
    """`users.yml`: unix user → [uid, gid]."""
    if not (path / "users.yml").is_file():
        return {}
    try:
        document = read_yaml(path / "users.yml")
    except InputError as error:
        problems.extend(error.problems)
        return {}
    users: dict[str, tuple[int, int]] = {}
    data = document.data if isinstance(document.data, dict) else {}
    for user, ids in data.items():
        if not _is_pair(ids):
            problems.append(Problem(f"`{user}` must be `[uid, gid]`", document.place(user)))
            continue
        users[user] = (ids[0], ids[1])
    _tell_clashes(users, document, problems)
    return users


def _tell_clashes(users: dict[str, tuple[int, int]], document: Document, problems: list[Problem]) -> None:
    """Tell users that share a uid."""
    owner: dict[int, str] = {}
    for user, (uid, _) in users.items():
        if uid in owner:
            problems.append(Problem(f"users `{owner[uid]}` and `{user}` have the same uid {uid}", document.place(user)))
        owner[uid] = user


def _is_pair(ids: Any) -> bool:
    return isinstance(ids, list) and len(ids) == 2 and all(type(each) is int and each >= 0 for each in ids)


def _bases(path: Path, problems: list[Problem]) -> Bases:
    try:
        return load_bases(path)
    except InputError as error:
        problems.extend(error.problems)
        return Bases()


def _locks(path: Path) -> dict[str, str]:
    """Release → text of its lock."""
    if not path.is_dir():
        return {}
    return {each.stem: each.read_text(encoding="utf-8") for each in sorted(path.glob("*.txt"))}
