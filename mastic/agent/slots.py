"""A workload of the program → the same in one of its two slots, so that a new container can stand beside an old one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mastic.agent.engine import Container

PORT, SLOT = "@@listen:port@@", "@@listen:slot@@"
LABEL = "mastic.slot"


def in_slot(workload: dict[str, Any], detail: dict[str, Any]) -> dict[str, Any]:
    """Port and slot filled in, container and folder named; `detail` is a step's. Without slots: as it is."""
    slot = detail.get("slot")
    if not slot:
        return workload
    filled: dict[str, Any] = fill_in(workload, {PORT: str(workload["slots"][slot]), SLOT: slot})
    container = detail.get("container") or workload["container"]
    return {**filled, "slot": slot, "container": container, "folder": f"{workload['container']}.{slot}"}


def fill_in(value: Any, words: dict[str, str]) -> Any:
    """The same JSON value with words replaced in all its texts."""
    if isinstance(value, str):
        for word, meant in words.items():
            value = value.replace(word, meant)
        return value
    if isinstance(value, dict):
        return {key: fill_in(part, words) for key, part in value.items()}
    if isinstance(value, list):
        return [fill_in(part, words) for part in value]
    return value


def folder_of(holder: Mapping[str, Any]) -> str:
    """Name of the configuration folder of a workload or job; what is on record about it has the same name."""
    return str(holder.get("folder") or holder["container"])


def folder_of_container(container: Container) -> str:
    """The same from a container that is there, by whichever of its two names."""
    slot = container.labels.get(LABEL)
    return f"{container.name.removesuffix(f'.{slot}')}.{slot}" if slot else container.name
