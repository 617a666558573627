"""Declared secret → a new random value."""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from collections.abc import Callable

from mastic.model.service import Secret

_LETTERS = string.ascii_letters + string.digits


def generate(secret: Secret) -> str:
    """A fresh value of a type that stands for itself (not a certificate or an authority)."""
    return _MAKERS[secret.type](secret)


def _password(secret: Secret) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(secret.length))


def _fernet_key(_: Secret) -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _hex(secret: Secret) -> str:
    return secrets.token_hex((secret.length + 1) // 2)[: secret.length]


def _uuid(_: Secret) -> str:
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


_MAKERS: dict[str, Callable[[Secret], str]] = {
    "password": _password,
    "fernet_key": _fernet_key,
    "hex": _hex,
    "uuid": _uuid,
}
