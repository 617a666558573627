"""The agent's step `pull`, run on a real engine as the controller's program would have it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from mastic.agent.docker import Docker
from mastic.execute.zipapp import agent_zipapp

__all__ = ["Docker", "pulled"]


def pulled(engine: Docker, reference: str, id: str, origins: tuple[str, ...]) -> str:
    """What the agent says of its step; an AssertionError with its words when the step failed."""
    folder = Path("/tmp") / f"pull-{abs(hash(reference))}"
    step = {"id": f"pull:{reference}@one", "verb": "pull", "resource": f"{reference}@one", "needs": [],
            "detail": {"image": reference}}  # fmt: skip
    program = {
        "cloud": "pulled", "paths": {"config": str(folder / "config"), "agent": str(folder / "agent")},
        "secrets": {}, "workloads": {}, "jobs": {}, "volumes": {}, "steps": [step], "engine_socket": engine.path,
    }  # fmt: skip
    notice = {"image": reference, "state": "ready", "why": "", "id": id, "origins": list(origins)}
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(agent_zipapp(folder / "zipapp")), "perform"],
        input=f"{json.dumps(program)}\n{json.dumps(notice)}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    answers: list[dict[str, Any]] = [json.loads(line) for line in io.StringIO(done.stdout)]
    ended = [answer for answer in answers if answer.get("state") in ("done", "failed")]
    assert ended and ended[-1]["state"] == "done", f"{answers} {done.stderr}"
    return str(ended[-1].get("message", ""))
