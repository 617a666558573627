"""A Dockerfile → the same with stages that hand out what its last stage adds to its base; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

MADE = "mastic-made"
OUT = "mastic-layer"
PACKER = "mastic-pack-layer"
"""The packing program's name in the build context."""
FROM = re.compile(r"(?im)^FROM\s+(?P<flags>(?:--\S+\s+)*)(?P<base>\S+)(?:\s+AS\s+(?P<name>\S+))?[ \t]*$")
TARGET = re.compile(r"--mount=\S*?(?:target|dst|destination)=(?P<path>/[^,\s]+)")
SECRET = re.compile(r"--mount=type=secret,id=(?P<id>[\w-]+)(?=\s)")


@dataclass(frozen=True)
class Staged:
    """A Dockerfile with named stages."""

    text: str
    made: str
    """Stage that is the image."""
    base: str
    """Image the last stage stands on; `scratch` when it stands on nothing."""
    mount_points: frozenset[str]
    """Paths that steps only mount, and the folders above them."""


def staged(dockerfile: str) -> Staged:
    """Name the last stage and add one that packs what it has over its base."""
    stages = list(FROM.finditer(dockerfile))
    last = stages[-1]
    made = last["name"] or MADE
    text = dockerfile
    if not last["name"]:
        text = f"{dockerfile[: last.end()].rstrip()} AS {MADE}{dockerfile[last.end() :]}"
    bases = {stage["name"]: stage["base"] for stage in stages if stage["name"]}
    base = last["base"]
    while base in bases:
        base = bases[base]
    if base != "scratch":
        text += packing(base, made)
    return Staged(text, made, base, mount_points(dockerfile))


def packing(base: str, made: str) -> str:
    return f"""
FROM {base} AS mastic-pack
USER root
RUN --mount=type=bind,from={base},target=/run/mastic/old --mount=type=bind,from={made},target=/run/mastic/new \\
    --mount=type=bind,source={PACKER},target=/run/mastic/pack \\
    python3 -I /run/mastic/pack /run/mastic/old /run/mastic/new /mastic-out
FROM scratch AS {OUT}
COPY --from=mastic-pack /mastic-out/ /
"""


def mount_points(dockerfile: str) -> frozenset[str]:
    paths = [found["path"] for found in TARGET.finditer(dockerfile)]
    paths += [f"/run/secrets/{found['id']}" for found in SECRET.finditer(dockerfile)]
    parts = [path.strip("/").split("/") for path in paths]
    return frozenset("/".join(each[:depth]) for each in parts for depth in range(1, len(each) + 1))
