"""The container's side of Kolla's contract as seen from outside: run the script, look at the files.

`KOLLA_SET_CONFIGS` names another implementation to judge by the same scenarios: Kolla's own is
`share/kolla/docker/base/set_configs.py` of the distribution `kolla`. The differences that we chose are listed in
docs/concepts/kolla-contract.md.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
SCRIPTS = REPOSITORY / "catalogue/_shared/image"
SET_CONFIGS = Path(os.environ.get("KOLLA_SET_CONFIGS", SCRIPTS / "kolla_set_configs"))


FIXED_PATHS = ("/var/lib/kolla/config_files", "/etc/kolla/defaults", "/run_command", "/configured")


def rooted(root: Path) -> Path:
    """The script; of one that knows no `KOLLA_ROOT` a copy with its fixed paths moved below `root`."""
    text = SET_CONFIGS.read_text()
    if "KOLLA_ROOT" in text:
        return SET_CONFIGS
    for path in FIXED_PATHS:
        text = re.sub(rf"(?<=['\"]){path}", f"{root}{path}", text)
    copy = root / "set_configs.py"
    copy.write_text(text)
    return copy


@dataclass(frozen=True)
class Answer:
    """How a run of the script ended."""

    code: int
    out: str
    error: str


@dataclass(frozen=True)
class Container:
    """A folder that stands for a container's file system."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "var/lib/kolla/config_files"

    def path(self, name: str) -> str:
        return str(self.root / name)

    def source(self, name: str, content: str = "new\n", mode: int = 0o600) -> str:
        """A file beside config.json; its path."""
        path = self.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(mode)
        return str(path)

    def existing(self, name: str, content: str = "old\n") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def describe(self, **sections: Any) -> None:
        self.config.mkdir(parents=True, exist_ok=True)
        (self.config / "config.json").write_text(json.dumps({"command": "true", **sections}))

    def run(self, *arguments: str, strategy: str | None = "COPY_ALWAYS", **environment: str) -> Answer:
        variables = {"PATH": os.environ["PATH"], "KOLLA_ROOT": str(self.root), **environment}
        if strategy is not None:
            variables["KOLLA_CONFIG_STRATEGY"] = strategy
        done = subprocess.run(
            [sys.executable, str(rooted(self.root)), *arguments],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def copy(self, **sections: Any) -> Answer:
        """Describe and run; fails the test unless the run succeeds."""
        self.describe(**sections)
        answer = self.run()
        assert answer.code == 0, answer.error
        return answer


@pytest.fixture
def container(tmp_path: Path) -> Container:
    if os.geteuid() != 0:
        pytest.skip("the script gives files away: only root may")
    return Container(tmp_path)
