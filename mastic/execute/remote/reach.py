"""How the hosts of a cloud are reached: Ansible's variables of each, and the operator's own inventory."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = "reach.json"


@dataclass(frozen=True)
class Reach:
    """What ansible-core has to know of the hosts."""

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Host → Ansible's variables."""
    inventory: str | None = None
    """Path of the operator's inventory; its variables are weaker."""


def write_reach(state: Path, reach: Reach) -> None:
    """Keep with the state how hosts are reached: a way back must not need the definition."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = json.dumps(asdict(reach), indent=1, sort_keys=True)
    path = state / FILE
    if not path.exists() or path.read_text() != text:
        beside = state / f".{FILE}.{os.getpid()}"
        beside.write_text(text)
        beside.chmod(0o600)
        beside.replace(path)


def read_reach(state: Path) -> Reach:
    """What was kept; without anything every host is this machine."""
    path = state / FILE
    return Reach(**json.loads(path.read_text())) if path.exists() else Reach()
