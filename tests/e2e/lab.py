"""The cloud under test and the real command line that operates it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "examples/laptop/cloud.yml"
VAULT_PASSWORD = Path(os.environ.get("MASTIC_VAULT_PASSWORD_FILE", "/etc/mastic/vault-password"))
APPLY_SECONDS = 2400
"""A first apply builds all images; this is only the point at which waiting makes no sense any more."""


@dataclass(frozen=True)
class Finished:
    """A command that ended."""

    words: tuple[str, ...]
    exit_code: int
    out: str = field(repr=False)
    err: str = field(repr=False)
    seconds: float

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output of a `--json` command, one object per line."""
        return [json.loads(line) for line in self.out.splitlines()]

    def one(self, type: str) -> dict[str, Any]:
        """The only line of a type."""
        (found,) = [line for line in self.lines if line["type"] == type]
        return found

    @property
    def events(self) -> list[dict[str, Any]]:
        """Events; `at` is when each came."""
        return [line for line in self.lines if line["type"] == "event"]

    def succeeded(self) -> Finished:
        """Itself, or a failed test that shows what the command said."""
        assert self.exit_code == 0, (
            f"{' '.join(self.words)}: exit code {self.exit_code}\n{self.out[-4000:]}\n{self.err}"
        )
        return self


@dataclass(frozen=True)
class Lab:
    """A cloud definition that a test may edit, and where things are kept."""

    folder: Path
    """Has `cloud.yml`."""
    artifacts: Path

    @property
    def cloud(self) -> Path:
        return self.folder / "cloud.yml"

    @property
    def name(self) -> str:
        return str(self.definition()["cloud"])

    @property
    def state(self) -> Path:
        """Folder of this cloud's state."""
        return Path(os.environ.get("MASTIC_STATE", "/var/lib/mastic")) / self.name

    @property
    def clouds_yaml(self) -> Path:
        return self.state / "clouds.yaml"

    def definition(self) -> dict[str, Any]:
        """What `cloud.yml` says."""
        data: dict[str, Any] = yaml.safe_load(self.cloud.read_text(encoding="utf-8"))
        return data

    def write(self, definition: Mapping[str, Any]) -> None:
        """Replace `cloud.yml`."""
        self.cloud.write_text(yaml.safe_dump(dict(definition), sort_keys=False), encoding="utf-8")

    def mastic(self, *words: str, catalogue: Path | None = None, prefix: Sequence[str] = ()) -> Finished:
        """Run `mastic WORDS` on this cloud and keep what it said; `prefix` is a command that runs it."""
        options = ["--cloud", str(self.cloud), *(["--catalogue", str(catalogue)] if catalogue else [])]
        finished = run([*prefix, sys.executable, "-m", "mastic", *words, *options], APPLY_SECONDS)
        self.keep(f"{int(time())}-mastic-{words[0]}.out", finished.out)
        self.keep(f"{int(time())}-mastic-{words[0]}.err", finished.err)
        return finished

    def keep(self, name: str, text: str) -> None:
        """Keep text among the artifacts."""
        if text:
            self.artifacts.mkdir(parents=True, exist_ok=True)
            with (self.artifacts / name).open("a", encoding="utf-8") as file:
                file.write(text)


def run(words: Sequence[str], seconds: float = 120, environment: Mapping[str, str] | None = None) -> Finished:
    """Run a command to its end, from the repository."""
    began = monotonic()
    done = subprocess.run(
        words,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    return Finished(tuple(words), done.returncode, done.stdout, done.stderr, monotonic() - began)


def shared_mounts() -> frozenset[str]:
    """The host's mounts on folders that containers share with it, a line each."""
    lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line.split()[1].startswith(("/var/lib/nova", "/run/netns")))
