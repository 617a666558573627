"""Locks of a catalogue → where they are not what `releases.yml` and the images' `python` lists ask for."""

from __future__ import annotations

from collections.abc import Iterator

from mastic.build.lock import Lock, normalise, parse_lock
from mastic.build.resolver import misfits
from mastic.errors import InputError, Place, Problem, did_you_mean
from mastic.load.releases import FILE, load_releases
from mastic.model.catalogue import Catalogue
from mastic.model.release import Releases

Problems = Iterator[Problem]


def lock_problems(catalogue: Catalogue) -> list[Problem]:
    """Every lock of the catalogue against its release and against every image."""
    shared = catalogue.shared.path
    if not (shared / FILE).is_file():
        return []
    try:
        releases = load_releases(shared)
    except InputError as error:
        return list(error.problems)
    locks = {f"{name}.txt": text for name, text in catalogue.locks.items()}
    for python, others in catalogue.other_locks.items():
        locks |= {f"python{python}/{name}.txt": text for name, text in others.items()}
    found = []
    for file, text in locks.items():
        name, lock = file.rpartition("/")[2].removesuffix(".txt"), parse_lock(text)
        found += [*_release(catalogue, releases, file, lock), *_images(catalogue, name, lock)]
    return found


def _release(catalogue: Catalogue, releases: Releases, file: str, lock: Lock) -> Problems:
    name = file.rpartition("/")[2].removesuffix(".txt")
    place = Place(str(catalogue.shared.path / "locks" / file))
    if name not in releases.releases:
        hint = did_you_mean(name, releases.releases) or f"add it to {catalogue.shared.path / FILE}"
        yield Problem(f"there is a lock of `{name}`, and no such release", place, hint)
        return
    for sentence in misfits(releases.releases[name], releases.roots, lock):
        yield Problem(f"the lock of {name} does not fit: {sentence}", place, f"`mastic lock {name}` makes it anew")


def _images(catalogue: Catalogue, release: str, lock: Lock) -> Problems:
    for folder in (catalogue.shared, *catalogue.folders.values()):
        for image, declared in folder.service.images.items():
            for index, root in enumerate(declared.python):
                if normalise(root) not in lock.distributions:
                    place = folder.place("images", image, "python", index)
                    near = did_you_mean(normalise(root), lock.distributions)
                    hint = near or f"add it to `roots` in {FILE}, then `mastic lock {release}`"
                    yield Problem(f"image `{image}`: the lock of {release} has no `{normalise(root)}`", place, hint)
