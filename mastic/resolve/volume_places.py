"""Where cloud.yml puts volumes → problems of what it says (part of Catalogue + Cloud → Desired)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import PurePosixPath

from mastic.errors import Problem, did_you_mean
from mastic.model.catalogue import CloudFile
from mastic.model.desired import DesiredVolume


def place_problems(file: CloudFile, volumes: Sequence[DesiredVolume]) -> Iterator[Problem]:
    """Volumes that the cloud does not have, and folders that two volumes would share."""
    known = {volume.name for volume in volumes}
    said = file.cloud.volumes
    for name in said:
        if name not in known:
            listed = ", ".join(f"`{each}`" for each in sorted(known)) or "none"
            hint = did_you_mean(name, known) or f"the chosen services have {listed}"
            yield Problem(f"no chosen service has a volume `{name}`", file.place("volumes", name), hint)
    for (first, path), (second, other) in combinations(said.items(), 2):
        one, two = PurePosixPath(path), PurePosixPath(other)
        if one == two or one in two.parents or two in one.parents:
            message = f"volumes `{first}` and `{second}` would lie in each other: `{path}` and `{other}`"
            yield Problem(message, file.place("volumes", second), "each volume needs a folder of its own")
