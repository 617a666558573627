"""Secrets → text and objects: names, versions and users, never a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mastic.model.known_secret import KnownSecret
from mastic.report.progress import columns


def secrets_text(secrets: Sequence[KnownSecret]) -> str:
    """One line each; why a secret is not rotated stands at the end."""
    rows = [
        (
            each.name,
            each.secret.type,
            f"version {each.version}" if each.version else "not made yet",
            ", ".join(each.users) or "nobody",
            f"fixed: {each.secret.fixed}" if each.secret.fixed else "",
        )
        for each in secrets
    ]
    return "\n".join(columns(rows))


def secrets_objects(secrets: Sequence[KnownSecret]) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "type": each.secret.type,
            "version": each.version,
            "users": list(each.users),
            "help": each.secret.help,
            "fixed": each.secret.fixed,
        }
        for each in secrets
    ]
