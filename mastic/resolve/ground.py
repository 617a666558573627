"""What a resolution stands on: its inputs, what was already worked out, and the problems met so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from jinja2 import Environment

from mastic.errors import InputError, Problem
from mastic.model.catalogue import Catalogue, CloudFile, ServiceFolder
from mastic.model.cloud import Cloud
from mastic.model.observed import HostFacts
from mastic.resolve.render import environment_of

Value = TypeVar("Value")


@dataclass
class Ground:
    """Inputs and notes of one resolution."""

    catalogue: Catalogue
    cloud_file: CloudFile
    facts: Mapping[str, HostFacts]
    images: Mapping[str, str]
    make_context: Callable[[Ground, str, str], dict[str, Any]]
    """Puts together what templates of a service see on a host; it needs bindings, which need it."""
    secret_versions: Mapping[str, int] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    """The chosen services that exist in the catalogue."""
    providers: dict[str, str] = field(default_factory=dict)
    """Capability → the chosen service that provides it."""
    problems: list[Problem] = field(default_factory=list)
    override_names: dict[str, str] = field(default_factory=dict)
    """Every override file that was looked for → the service it is for; those there are have been read."""
    _made: dict[tuple[str, ...], Any] = field(default_factory=dict)
    _open: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def cloud(self) -> Cloud:
        return self.cloud_file.cloud

    def folder(self, service: str) -> ServiceFolder:
        return self.catalogue.folders[service]

    def environment(self, service: str) -> Environment:
        folder = self.folder(service)
        return self.once(("templates", service), lambda: environment_of(folder, self.catalogue.shared))

    def context(self, service: str, host: str) -> dict[str, Any]:
        """What templates of a service see on a host."""
        return self.once((service, "context", host), lambda: self.make_context(self, service, host))

    def once(self, key: tuple[str, ...], make: Callable[[], Value]) -> Value:
        """What `make` returns, worked out once; raises InputError when it needs itself."""
        if key in self._made:
            return self._known(key)  # type: ignore[no-any-return]
        if key in self._open:
            chain = (*self._open[self._open.index(key) :], key)
            told = " → ".join(f"`{_named(each)}`" for each in chain)
            raise InputError(Problem(f"values need each other in a circle: {told}", self._place(key)))
        self._open.append(key)
        try:
            self._made[key] = make()
        except InputError as error:
            self._made[key] = error
            raise
        finally:
            self._open.pop()
        return self._made[key]  # type: ignore[no-any-return]

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Note the problems of what is done inside, and go on."""
        try:
            yield
        except InputError as error:
            self.problems.extend(error.problems)

    def finish(self) -> None:
        """Raise InputError with every problem met, each once."""
        if self.problems:
            raise InputError(dict.fromkeys(self.problems))

    def _known(self, key: tuple[str, ...]) -> Any:
        found = self._made[key]
        if isinstance(found, InputError):
            raise InputError(found.problems)
        return found

    def _place(self, key: tuple[str, ...]) -> Any:
        service = next((part for part in key if part in self.catalogue.folders), None)
        return self.folder(service).place() if service else self.cloud_file.place()


def _named(key: tuple[str, ...]) -> str:
    """A key as a path in a service folder: without the consumer and host it was worked out for."""
    return ".".join(key[:4])
