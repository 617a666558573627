"""A notice that says where an image can be had → the image in the engine, under its own name."""

from __future__ import annotations

from typing import Any

from mastic.agent.engine import Engine, EngineError


def pull_from(engine: Engine, reference: str, notice: dict[str, Any]) -> str:
    """Pull from the first origin that has the very image; its name appears only when its id is right.

    Raises EngineError with what every origin said.
    """
    refused = []
    for origin in notice["origins"]:
        try:
            engine.pull(origin)
        except EngineError as error:
            refused.append(f"{origin}: {error}")
            continue
        found = engine.image_id(origin)
        if found == notice["id"]:
            engine.tag(origin, reference)
            engine.remove_image(origin)
            return f"from {origin}"
        engine.remove_image(origin)
        refused.append(f"{origin}: another image ({found[:19]}) than the signed one ({notice['id'][:19]})")
    raise EngineError(f"image `{reference}` could not be pulled: {'; '.join(refused)}")
