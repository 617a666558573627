"""Cloud types: what `cloud.yml` may say (strict; unknown keys are errors)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from mastic.model.service import Name, Strict

Kind = Literal["source", "binary"]
Root = Annotated[str, StringConstraints(pattern=r"^(mmdebstrap|registry:\S+|tar:\S.*)$")]


AnsibleVariable = Annotated[str, StringConstraints(pattern=r"^ansible_[a-z0-9_]+$")]


class Host(Strict):
    """One machine of the cloud."""

    connection: Literal["local", "ansible"] | None = None
    """local: this very machine; ansible: another one, reached as `ansible` and the inventory say. The only host is
    local by default, each of several is not."""
    ansible: dict[AnsibleVariable, Any] = Field(default_factory=dict)
    """Ansible's connection variables (`ansible_user: debian`, `ansible_become: true`…), stronger than the inventory's.
    Passwords belong into an inventory, in a vault."""
    address: str = "127.0.0.1"
    """Where the processes of this host listen for the others."""
    groups: tuple[Name, ...] = ("control", "network", "compute")
    settings: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Service → option → value, on this host only; stronger than the cloud's `settings`."""


Address = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.\[\]:-]+(/[a-z0-9._-]+)*$")]
"""`host[:port][/name-space]` of a registry."""


class Registry(Strict):
    """Where hosts pull images from that somebody built, pushed and signed."""

    address: Address
    """Also where `mastic build --push` goes."""
    mirrors: tuple[Address, ...] = ()
    """Tried before the address, in this order."""


class Cloud(Strict):
    """A whole cloud in one short file."""

    cloud: Name
    release: str = "2026.2"
    base: Name = "debian-trixie"
    """Distribution that images are built on, one of the catalogue's `_shared/bases.yml`."""
    platform: Literal["linux/amd64", "linux/arm64", "linux/ppc64le"] = "linux/amd64"
    """Processor that images are built for."""
    root: Root | None = None
    """Where the first root file system comes from: `mmdebstrap`, `registry:IMAGE` or `tar:FILE`; default is the
    base's own way."""
    kind: Kind = "source"
    """What services are made of: Python distributions of the release's lock, or the base's packages."""
    kinds: dict[Name, Kind] = Field(default_factory=dict)
    """Service → kind, where it is another one."""
    sources: dict[str, str] = Field(default_factory=dict)
    """Python distribution → what images get instead of the lock's: a version, the path of a sdist, wheel or folder,
    or `git+URL@REF`."""
    registry: Registry | None = None
    """Images that it has, signed with the trusted key, are pulled by the hosts; all others are built."""
    region: str = "RegionOne"
    api_address: str | None = None
    """Where the load balancer offers the APIs; default is the address of the first control host."""
    inventory: str | None = None
    """The operator's own Ansible inventory, a file or folder beside this file. Without `hosts` every host of it that is
    in a group belongs to the cloud, its groups are the inventory's, and its address is `mastic_address`, else
    `ansible_host`, else its name."""
    hosts: dict[Name, Host] = Field(default_factory=dict)
    services: tuple[Name, ...]
    settings: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Service → option → value."""
    volumes: dict[Name, Annotated[str, StringConstraints(pattern=r"^(/[^/\s]+)+$")]] = Field(default_factory=dict)
    """Volume → folder of its own on every host that has it. What is not named lies where the engine puts it; one that
    lies elsewhere already stays there."""
    config: str | None = None
    """Folder of override files for the services' own configuration files; default is `config` beside this file."""

    def kind_of(self, service: str) -> Kind:
        """What a service's images are made of."""
        return self.kinds.get(service, self.kind)
