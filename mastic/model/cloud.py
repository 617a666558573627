"""Cloud types: what `cloud.yml` may say (strict; unknown keys are errors)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mastic.model.service import Name, Strict


class Host(Strict):
    """One machine of the cloud."""

    connection: Literal["local"] = "local"
    address: str = "127.0.0.1"
    """Where the processes of this host listen for the others."""
    groups: tuple[Name, ...] = ("control", "network", "compute")
    settings: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Service → option → value, on this host only; stronger than the cloud's `settings`."""


class Cloud(Strict):
    """A whole cloud in one short file."""

    cloud: Name
    release: str = "2026.2"
    base: Literal["debian-trixie"] = "debian-trixie"
    region: str = "RegionOne"
    api_address: str | None = None
    """Where the load balancer offers the APIs; default is the address of the first control host."""
    hosts: dict[Name, Host]
    services: tuple[Name, ...]
    settings: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Service → option → value."""
    config: str | None = None
    """Folder of override files for the services' own configuration files; default is `config` beside this file."""
