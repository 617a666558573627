"""What a host keeps for the controller: a copy of its state; and images that nobody needs any more."""

from __future__ import annotations

import base64
from typing import Any

from mastic.agent.engine import Engine, EngineError
from mastic.agent.records import KEPT, Records, write_private

LARGEST = 64 * 1024 * 1024


def keep(program: dict[str, Any], records: Records) -> dict[str, Any]:
    """Replace the copy; a crash leaves the old or the new one. Raises OSError."""
    content = base64.b64decode(program["content"])
    if len(content) > LARGEST:
        raise OSError(f"the copy of the state is larger than {LARGEST >> 20} MiB")
    write_private(records.folder / KEPT, content)
    return {"kept": len(content)}


def kept(records: Records) -> dict[str, Any]:
    """The copy, or None."""
    try:
        return {"content": base64.b64encode((records.folder / KEPT).read_bytes()).decode()}
    except FileNotFoundError:
        return {"content": None}


def collect(program: dict[str, Any], engine: Engine) -> dict[str, Any]:
    """Bytes that only these images take and, when told so, their removal; one with a container stays."""
    wanted = set(program["images"])
    found = engine.image_usage()
    free = {image: size for image, (size, containers) in found.items() if image in wanted and containers == 0}
    in_use = {image for image in wanted if image in found and image not in free}
    for image in sorted(free) if program["remove"] else []:
        try:
            engine.remove_image(image)
        except EngineError:  # another image stands on it, or a container was made meanwhile
            in_use.add(image)
    return {"sizes": {image: size for image, size in free.items() if image not in in_use}, "in_use": sorted(in_use)}
