"""What the agent asks of a container engine, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol


class EngineError(Exception):
    """The engine refused or did not answer; the text is for people."""


class EngineTimeout(EngineError):
    """The engine did not answer in time."""


@dataclass(frozen=True)
class Container:
    """One container as the engine sees it now."""

    id: str
    name: str
    labels: dict[str, str]
    image: str
    state: str
    """running, created, restarting, exited, paused or dead"""
    started_at: str
    created_at: str
    exit_code: int | None
    health: str | None
    """starting, healthy or unhealthy; None when the engine checks nothing"""
    restarts: int = 0


@dataclass(frozen=True)
class Volume:
    """One named volume."""

    name: str
    created_at: str
    labels: dict[str, str]
    path: str = ""
    """Where its content lies on the host."""
    device: str = ""
    """The same when that is a folder of the operator's choice; empty for the engine's own place."""


class Engine(Protocol):
    """The engine's functions; all raise EngineError."""

    def version(self) -> str:
        """Name and version, like `docker 20.10.24`."""

    def root_folder(self) -> str:
        """Where the engine keeps its data on this host."""

    def containers(self) -> dict[str, dict[str, str]]:
        """Name of every container, running or not → its labels."""

    def inspect(self, name: str) -> Container | None:
        """The container, or None when there is none of this name."""

    def create(self, name: str, body: dict[str, Any]) -> None: ...

    def start(self, name: str) -> None: ...

    def stop(self, name: str, seconds: int | None) -> None:
        """Stops the process; after `seconds` (None: as the container was created with) by force."""

    def restart(self, name: str, seconds: int) -> None: ...

    def signal(self, name: str, signal: str) -> None: ...

    def rename(self, name: str, new: str) -> None: ...

    def remove(self, name: str) -> None:
        """Removes the container by force; none of this name is no error."""

    def wait(self, name: str, seconds: float) -> int | None:
        """Exit code of the container's process, or None when it still runs after `seconds`."""

    def logs(self, name: str, lines: int) -> list[str]: ...

    def follow(self, name: str, lines: int) -> Iterator[str]: ...

    def execute(self, name: str, argv: list[str], user: str | None, seconds: float) -> tuple[int, str]:
        """Exit code and output of a command run inside a container."""

    def volumes(self) -> dict[str, Volume]: ...

    def create_volume(self, name: str, labels: dict[str, str], device: str = "", made: str = "") -> None:
        """`device` is a folder of the host to lie in; `made` the time it was first made, when it is made anew."""

    def remove_volume(self, name: str) -> None: ...

    def images(self) -> list[str]:
        """References of mastic's images in the engine."""

    def has_image(self, reference: str) -> bool: ...

    def image_id(self, reference: str) -> str:
        """Digest of the image's configuration, which names all its layers."""

    def pull(self, origin: str) -> None:
        """Take an image from a registry; `origin` has a tag."""

    def tag(self, image: str, reference: str) -> None:
        """Give an image a further name."""

    def image_usage(self) -> dict[str, tuple[int, int]]:
        """Reference of each of mastic's images → bytes that no other image shares, containers made of it."""

    def remove_image(self, reference: str) -> None:
        """Takes the name away and, with the last name, the image; none of this name is no error."""

    def image_user(self, reference: str) -> str:
        """The user an image runs as; empty means root."""
