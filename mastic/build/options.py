"""A built image → the options its programs declare, asked of a container of it once and kept by its reference."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from mastic.build.engine import Engine, find_engine
from mastic.errors import BuildError, Problem
from mastic.model.options import DeclaredOptions, OptionSource

SCRIPT = "list_oslo_options"
"""The shared script that runs inside the image; it comes on standard input, so no image has to carry it."""
SECONDS = 120


@dataclass(frozen=True)
class OptionStore:
    """Declarations by image reference, kept in files."""

    folder: Path
    script: bytes = field(repr=False)
    engine: Callable[[], Engine] = find_engine
    """Asked only when something has to be read from an image."""

    def read(self, reference: str, source: OptionSource) -> DeclaredOptions | None:
        """What an image declares; None when it is not built. Raises BuildError when it cannot say, HostError."""
        path = self.folder / f"{self.name(reference, source)}.json"
        if (kept := _kept(path)) is not None:
            return kept
        engine = self.engine()
        if reference not in engine.images():
            return None
        found = DeclaredOptions(sections=json.loads(self._ask(engine, reference, source)))
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(found.model_dump_json(exclude_defaults=True), encoding="utf-8")
        fresh.replace(path)
        return found

    def name(self, reference: str, source: OptionSource) -> str:
        """What a kept declaration is called: it holds for this image, script and namespaces only."""
        asked = hashlib.sha256(b"\0".join([self.script, *(each.encode() for each in source.namespaces)]))
        return f"{reference.replace('/', '_').replace(':', '_')}-{asked.hexdigest()[:12]}"

    def _ask(self, engine: Engine, reference: str, source: OptionSource) -> str:
        """Run the script in a container that can reach and change nothing."""
        confined = ("--rm", "--interactive", "--network=none", "--cap-drop=ALL", "--read-only", "--tmpfs=/tmp")
        command = engine.command("run", *confined, "--entrypoint=python3", reference, "-", *source.namespaces)
        done = subprocess.run(command, input=self.script, capture_output=True, check=False, timeout=SECONDS)
        if done.returncode:
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
            message = f"image `{reference}` does not tell its options: {last[0]}"
            raise BuildError(Problem(message, hint="look at `options` of the image in service.yml"))
        return done.stdout.decode()


def _kept(path: Path) -> DeclaredOptions | None:
    try:
        return DeclaredOptions.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None
