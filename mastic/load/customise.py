"""The operator's folder `images/` beside cloud.yml → Own: what it says, and the content of its files."""

from __future__ import annotations

from pathlib import Path

from mastic.errors import InputError, Place, Problem, did_you_mean
from mastic.load.sources import normalised, read_source
from mastic.load.strict import read_yaml, to_model
from mastic.model.catalogue import Own
from mastic.model.customise import Customisation
from mastic.model.source import Source

FOLDER = "images"
FILE = "images.yml"
PATCHES = "patches"


def load_own(folder: Path) -> Own:
    """What lies in the folder, nothing when there is none; raises InputError with every problem."""
    if not folder.is_dir():
        return Own()
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
    spec, lines = Customisation(), {}
    if FILE in files:
        document = read_yaml(folder / FILE)
        spec, lines = to_model(Customisation, document, "", f"{FOLDER}/{FILE}"), document.lines
    patches = patches_of(files)
    own = Own(spec, folder / FILE, lines, files, {}, patches)
    problems = [*missing_files(own), *stray_patches(own)]
    plugins: dict[tuple[str, str], Source] = {}
    for image, change in spec.change.items():
        for index, said in enumerate(change.plugins):
            try:
                plugins[image, said] = read_plugin(said, folder, own.place("change", image, "plugins", index))
            except InputError as error:
                problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return Own(spec, folder / FILE, lines, files, plugins, patches)


def patches_of(files: dict[str, bytes]) -> dict[str, tuple[tuple[str, bytes], ...]]:
    """Normalised distribution → its patches in the order of their names."""
    found: dict[str, tuple[tuple[str, bytes], ...]] = {}
    for path, content in files.items():
        parts = path.split("/")
        if len(parts) == 3 and parts[0] == PATCHES and path.endswith(".patch"):
            name = normalised(parts[1])
            found[name] = (*found.get(name, ()), (parts[2], content))
    return found


def stray_patches(own: Own) -> list[Problem]:
    """Files under patches/ that would never be applied."""
    known = {f"{PATCHES}/{path.split('/')[1]}/{path.split('/')[-1]}" for path in own.files if path.count("/") == 2}
    return [
        Problem(
            f"`{path}` is no patch of a project", Place(str(own.path.parent / path)), "patches/<project>/NAME.patch"
        )
        for path in own.files
        if path.startswith(f"{PATCHES}/") and not (path.endswith(".patch") and path in known)
    ]


def missing_files(own: Own) -> list[Problem]:
    """Files that images.yml names and the folder does not have."""
    said: list[tuple[tuple[str, ...], str]] = []
    for image, change in own.spec.change.items():
        said += [(("change", image, key), name) for key in ("blocks", "template") if (name := getattr(change, key))]
        said += [(("change", image, "files", name), f"files/{name}") for name in change.files]
    for image, added in own.spec.add.items():
        said += [(("add", image, "copy", name), f"files/{name}") for name in added.copy_]
    return [
        Problem(
            f"there is no file `{name}` in `{own.path.parent}`",
            own.place(*keys),
            did_you_mean(name, own.files) or "paths are relative to the folder of images.yml",
        )
        for keys, name in said
        if name not in own.files
    ]


def read_plugin(said: str, folder: Path, place: Place) -> Source:
    """A distribution with its version, or a path; raises InputError."""
    name, pinned, version = said.partition("==")
    if pinned:
        return Source(normalised(name), said, place, version=version)
    if not (folder / said).exists():
        hint = "say `name==version`, or the path of a folder, sdist or wheel"
        raise InputError(Problem(f"plugin `{said}` has no version, and there is no such path", place, hint))
    return read_source(normalised(Path(said).name), said, folder, place)
