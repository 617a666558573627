"""Names of secrets → references in files, and back; never a value."""

from __future__ import annotations

import re

from mastic.model.desired import RESERVED_SECRETS, SECRET_REFERENCE

_REFERENCE = re.compile(re.escape(SECRET_REFERENCE).replace(re.escape("{name}"), "([a-z0-9_-]+)"))


def reference(secret: str) -> str:
    """What stands in a file for a secret."""
    return SECRET_REFERENCE.format(name=secret)


def authority_reference() -> str:
    """Reference to the certificate of the cloud's own authority."""
    return reference(RESERVED_SECRETS[0])


def referred_secrets(text: str) -> tuple[str, ...]:
    """Names of the secrets that a text refers to, sorted."""
    return tuple(sorted(set(_REFERENCE.findall(text))))
