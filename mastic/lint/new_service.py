"""A name → a service folder that passes lint, to start from."""

from __future__ import annotations

import re
from pathlib import Path

from mastic.errors import InputError, Place, Problem
from mastic.load.catalogue import SHARED, load_catalogue
from mastic.model.catalogue import Catalogue

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SKELETON = Path(__file__).parent / "skeleton"
_FIRST_OWN_UID = 42500
_FIRST_OWN_PORT = 8990


def new_service(catalogue_path: Path, name: str) -> list[Path]:
    """Make the folder and the service's user; returns the files written or changed. Raises InputError."""
    catalogue = load_catalogue(catalogue_path)
    folder = catalogue_path / name
    _check_name(name, folder, catalogue)
    words = {"@NAME@": name, "@PORT@": str(_free_port(catalogue))}
    written = []
    for source in sorted(each for each in _SKELETON.rglob("*") if each.is_file()):
        target = folder / source.relative_to(_SKELETON)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_filled(source.read_text(encoding="utf-8"), words), encoding="utf-8")
        written.append(target)
    if name not in catalogue.users:
        written.append(_add_user(catalogue, catalogue_path / SHARED / "users.yml", name))
    return written


def _check_name(name: str, folder: Path, catalogue: Catalogue) -> None:
    if not _NAME.fullmatch(name) or len(name) > 32:
        hint = "lower-case letters and digits, joined by single `-`, at most 32 characters"
        raise InputError(Problem(f"`{name}` cannot be the name of a service", Place(str(folder)), hint))
    if folder.exists():
        raise InputError(Problem(f"service `{name}` exists already", Place(str(folder)), "choose another name"))
    container = name.replace("-", "_")
    for other in catalogue.folders.values():
        names = [*other.service.workloads, *other.service.images]
        if container in (each.replace("-", "_") for each in names):
            message = f"`{other.service.service}` has a workload or image `{name}` already"
            raise InputError(Problem(message, other.place(), "choose another name"))


def _filled(text: str, words: dict[str, str]) -> str:
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text


def _free_port(catalogue: Catalogue) -> int:
    """A port that is no other service's default."""
    settings = [each for folder in catalogue.folders.values() for each in folder.service.settings.values()]
    taken = {setting.default for setting in settings if setting.type == "port"}
    return next(port for port in range(_FIRST_OWN_PORT, 10000) if port not in taken)


def _add_user(catalogue: Catalogue, path: Path, name: str) -> Path:
    """Give the service's processes a user of their own, with a uid that nobody has."""
    taken = {number for ids in catalogue.users.values() for number in ids}
    uid = next(number for number in range(_FIRST_OWN_UID, 60000) if number not in taken)
    before = (
        path.read_text(encoding="utf-8") if path.is_file() else "# Unix user: [uid, gid], the same in every image.\n"
    )
    path.write_text(f"{before.rstrip()}\n{name}: [{uid}, {uid}]\n", encoding="utf-8")
    return path
