"""Desired: what the hosts should look like; made by `resolve`, contains no secret value, only references."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from mastic.errors import Place
from mastic.model.overrides import Layer
from mastic.model.service import Health, Secret

SECRET_REFERENCE = "@@secret:{name}@@"
"""What stands in a rendered file where the agent writes the secret's value."""
LISTEN_PORT, LISTEN_SLOT = "@@listen:port@@", "@@listen:slot@@"
"""What stands for port and name of a workload's slot; the agent fills it in when it makes the container."""
RESERVED_SECRETS = ("ca_certificate", "ca_private_key")
"""Certificate and key of the cloud's own authority, which mastic makes itself."""


@dataclass(frozen=True)
class ConfigFile:
    """A rendered file in a workload's configuration folder on the host."""

    name: str
    """Path relative to the configuration folder, e.g. `glance-api.conf`."""
    content: str = field(repr=False)
    """Text with secret references."""
    on_change: Literal["restart", "reload", "nothing"]
    secrets: tuple[str, ...] = ()
    """Names of the secrets referred to."""
    origin: Place | None = field(default=None, compare=False)
    """The template it came from."""
    layers: tuple[Layer, ...] = field(default=(), compare=False, repr=False)
    """The override files that were laid over the template, the strongest last."""
    options_of: str | None = field(default=None, compare=False)
    """Full reference of the image that declares which options it may say; None when nobody can tell."""


@dataclass(frozen=True)
class DesiredVolume:
    """A named volume on one host."""

    name: str
    host: str
    keep: bool
    service: str
    path: str = ""
    """Folder of the host to lie in; empty means where it is, at first the engine's own place."""

    @property
    def id(self) -> str:
        return f"{self.name}@{self.host}"


@dataclass(frozen=True)
class Binding:
    """Brings the requests of one workload on one host to one of its slots, in one process of the load balancer."""

    host: str
    """Where the load balancer runs."""
    container: str
    commands: dict[str, str]
    """Slot → command that ends when every new request goes there and none is left in the other."""
    seconds: int


@dataclass(frozen=True)
class PlacedWorkload:
    """A workload on one host."""

    name: str
    service: str
    host: str
    container: str
    """Name of the container (Kolla's: dashes become underscores)."""
    image: str
    """Image name in the catalogue; `spec["image"]` has the full reference with its digest tag."""
    spec: dict[str, Any] = field(repr=False)
    """What the container engine is asked for: plain JSON, see `agent/container.py`; its digest tells divergence."""
    files: tuple[ConfigFile, ...] = ()
    volumes: tuple[str, ...] = ()
    """Names of the volumes it mounts, on the same host."""
    health: Health | None = None
    """All templates rendered; `http` is a full URL."""
    listens: tuple[str, ...] = ()
    """`address:port` it will listen on (frontend's own port included)."""
    needs: tuple[str, ...] = ()
    """Ids of workloads and jobs that must be done first."""
    accounts: tuple[str, ...] = ()
    """Ids of what makes its accounts: it starts first without them, but is changed only after them."""
    replace: Literal["beside", "stop-first"] = "stop-first"
    reload_signal: str | None = None
    stop_seconds: int = 30
    one_by_one: bool = False
    """A change reaches it on one host after the other."""
    keep_running: bool = False
    slots: dict[str, int] = field(default_factory=dict)
    """Slot → port, when a new container is started beside the old one; spec, files and health name neither."""
    bindings: tuple[Binding, ...] = ()
    """One per process of the load balancer; none without slots."""
    origin: Place | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        return f"{self.name}@{self.host}"

    def folder(self, slot: str) -> str:
        """Name of its configuration folder; also of its container while that stands beside another."""
        return f"{self.container}.{slot}" if slot else self.container


@dataclass(frozen=True)
class PlacedJob:
    """A job on one host."""

    name: str
    service: str
    host: str
    container: str
    image: str
    when: Literal["once", "changed", "rotated", "removal", "discard"]
    run: str
    spec: dict[str, Any] = field(repr=False)
    files: tuple[ConfigFile, ...] = ()
    """The workload's files and the job's own."""
    data: tuple[str, ...] = ()
    """Kept volumes its effect lives in (this service's and its providers'); another volume = not yet run."""
    needs: tuple[str, ...] = ()
    seconds: int = 300
    check: str | None = None
    """Command that exits 0 as long as the job's effect stands."""
    origin: Place | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        return f"{self.service}/{self.name}@{self.host}"


@dataclass(frozen=True)
class Explained:
    """Where a setting's value came from, layer by layer, the one in force last."""

    service: str
    setting: str
    host: str | None
    value: Any
    layers: tuple[tuple[str, Place | None, Any], ...]
    """(layer name, place, value); layer is `default`, `cloud.yml` or `host`."""


@dataclass(frozen=True)
class PlacedCheck:
    """A declared check, resolved."""

    name: str
    service: str
    help: str
    http: str | None = None
    container: str | None = None
    host: str | None = None
    run: str | None = None


@dataclass(frozen=True)
class Endpoint:
    """An API as users reach it."""

    service: str
    workload: str
    url: str
    internal_only: bool = False


@dataclass(frozen=True)
class Departed:
    """What stood and is wanted no more, with what takes it away; known from the last generation only."""

    workloads: tuple[PlacedWorkload, ...] = ()
    jobs: tuple[PlacedJob, ...] = ()
    discards: tuple[PlacedJob, ...] = ()
    """Jobs that take away the data that services left with their providers."""


@dataclass(frozen=True)
class Desired:
    """The whole cloud as it should be."""

    cloud: str
    release: str
    hosts: tuple[str, ...]
    workloads: tuple[PlacedWorkload, ...]
    jobs: tuple[PlacedJob, ...]
    volumes: tuple[DesiredVolume, ...]
    secrets: dict[str, Secret]
    """Every secret the cloud needs, by name; certificates with their names rendered."""
    secret_versions: dict[str, int]
    """Version of each secret; a file's digest counts them, so a rotation is seen as a change. 1 before it is made."""
    images: dict[str, str]
    """Catalogue image name → full reference (`mastic/glance-api:3f2a…`) of all images the cloud uses."""
    checks: tuple[PlacedCheck, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    explained: tuple[Explained, ...] = field(default=(), compare=False, repr=False)
    client: dict[str, Any] = field(default_factory=dict)
    """What `clouds.yaml` is made of: auth_url, region, user, project, password reference."""
    discards: tuple[PlacedJob, ...] = ()
    """Jobs that take away the data a service has with its providers: after it left, and only when that is allowed."""
    departed: Departed = Departed()

    def workload(self, id: str) -> PlacedWorkload | None:
        return next((w for w in self.workloads if w.id == id), None)
