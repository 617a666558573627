"""The container engine as the builder sees it: which images exist, import a root, build a Dockerfile."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mastic.errors import HostError, Problem

BUILDKIT_INSIDE_UNTIL = 23
"""From this major version on the client needs the plug-in buildx to use BuildKit."""


@dataclass(frozen=True)
class ImageFacts:
    """One image as the engine has it."""

    id: str
    """Digest of its configuration, and so of all its layers."""
    bytes: int
    """On disk, with layers that others have as well."""
    layers: tuple[str, ...]
    labels: dict[str, str]


@dataclass(frozen=True)
class Engine:
    """A client that can use BuildKit."""

    client: str

    def command(self, *arguments: str) -> list[str]:
        return [self.client, *arguments]

    def environment(self) -> dict[str, str]:
        return os.environ | {"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain", "DOCKER_CLI_HINTS": "false"}

    def ask(self, *arguments: str) -> str:
        """Output of a short client command; raises HostError when the engine does not answer."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False)
        if done.returncode:
            raise HostError(Problem(done.stderr.strip() or "the container engine does not answer", hint=START_HINT))
        return done.stdout

    def images(self) -> dict[str, datetime]:
        """Reference → when it was made, for all of mastic's images."""
        lines = self.ask(
            "image", "ls", "--format", "{{.Repository}}:{{.Tag}}\t{{.CreatedAt}}", "--filter", "reference=mastic/*"
        )
        found = {}
        for line in lines.splitlines():
            reference, _, created = line.partition("\t")
            found[reference] = read_time(created)
        return found

    def inspect(self, reference: str) -> dict[str, Any]:
        """What the engine knows about an image; raises HostError when it has none of this name."""
        (found,) = json.loads(self.ask("image", "inspect", reference))
        return dict(found)

    def architecture(self) -> str:
        return self.ask("version", "--format", "{{.Server.Arch}}").strip()

    def forget(self, *images: str) -> None:
        """Remove tags, or images without tag; what something else uses stays."""
        subprocess.run(self.command("image", "rm", *images), capture_output=True, check=False)

    def facts(self) -> dict[str, ImageFacts]:
        """What the engine knows of all of mastic's images, by reference."""
        references = list(self.images())
        if not references:
            return {}
        found: dict[str, ImageFacts] = {}
        for image in json.loads(self.ask("image", "inspect", *references)):
            facts = ImageFacts(
                image["Id"], image["Size"], tuple(image["RootFS"]["Layers"]), image["Config"]["Labels"] or {}
            )
            found |= dict.fromkeys(image["RepoTags"] or (), facts)
        return found


START_HINT = "start the engine (`systemctl start docker`, or `dockerd &` where there is no systemd)"


def find_engine() -> Engine:
    """The first `docker` client on PATH, or the distribution's own, that can use BuildKit.

    Raises HostError when there is none.
    """
    seen = list(dict.fromkeys(candidates()))
    for client in seen:
        if has_buildkit(client):
            return Engine(client)
    found = ", ".join(f"`{client}`" for client in seen) or "none"
    raise HostError(
        Problem(
            f"no container client that can use BuildKit (found: {found})",
            hint="install `docker.io`, or the plug-in buildx beside the client",
        )
    )


def candidates() -> Iterator[str]:
    for folder in [*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin"]:
        if found := shutil.which("docker", path=folder):
            yield str(Path(found))


def has_buildkit(client: str) -> bool:
    version = subprocess.run([client, "--version"], capture_output=True, text=True, check=False).stdout
    major = next((word.split(".")[0] for word in version.split() if word[0].isdigit()), "")
    if major.isdigit() and int(major) < BUILDKIT_INSIDE_UNTIL:
        return True
    return subprocess.run([client, "buildx", "version"], capture_output=True, check=False).returncode == 0


def read_time(text: str) -> datetime:
    """`2026-11-20 16:21:00 +0000 UTC` as the engine prints it."""
    return datetime.strptime(" ".join(text.split()[:3]), "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
