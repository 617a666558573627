"""Desired → clouds.yaml: what OpenStack clients need to reach the cloud, readable only by its owner."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import yaml

from mastic.model.desired import SECRET_REFERENCE, Desired

CLOUD_NAME = "mastic"
"""Name in clouds.yaml, for `openstack --os-cloud mastic`."""
_BEFORE, _AFTER = SECRET_REFERENCE.split("{name}")


class Secrets(Protocol):
    """Where secret values come from."""

    def values(self, names: Sequence[str]) -> Mapping[str, str]:
        """Values by name."""


def write_clouds_yaml(desired: Desired, secrets: Secrets, state: Path) -> Path | None:
    """Write `clouds.yaml` into the state folder, beside the authority's `ca.pem`, with mode 0600.

    A cloud in which nobody can log in, because no service provides identity, gets none.
    """
    if not desired.client:
        return None
    client = fill(desired.client, secrets)
    path = state / "clouds.yaml"
    replace_private(path, clouds_yaml(client, state / "ca.pem"))
    return path


def fill(client: Mapping[str, Any], secrets: Secrets) -> dict[str, str]:
    """Put secret values where `client` has references."""
    names = {key: secret_name(value) for key, value in client.items()}
    values = secrets.values(tuple(name for name in names.values() if name))
    return {key: values[name] if (name := names[key]) else str(value) for key, value in client.items()}


def secret_name(value: object) -> str | None:
    """Name of the secret that `value` refers to, or None for an ordinary value."""
    text = str(value)
    if text.startswith(_BEFORE) and text.endswith(_AFTER):
        return text[len(_BEFORE) : -len(_AFTER)]
    return None


def clouds_yaml(client: Mapping[str, str], authority: Path) -> str:
    """Text of the file; `client` has auth_url, user, password, project, region, perhaps the domains of both."""
    entry = {
        "auth": {
            "auth_url": client["auth_url"],
            "username": client["user"],
            "password": client["password"],
            "project_name": client["project"],
            "user_domain_name": client.get("user_domain", "Default"),
            "project_domain_name": client.get("project_domain", "Default"),
        },
        "region_name": client["region"],
        "cacert": str(authority),
        "identity_api_version": 3,
        "interface": "public",
    }
    return yaml.safe_dump({"clouds": {CLOUD_NAME: entry}}, sort_keys=False)


def replace_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
