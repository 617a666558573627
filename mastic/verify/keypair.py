"""A throw-away SSH key pair for a guest."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class KeyPair:
    """Both halves in OpenSSH's formats."""

    public: str
    private: str = field(repr=False)


def generate_keypair() -> KeyPair:
    """Make a new Ed25519 key pair; it never leaves memory unless the caller writes it."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return KeyPair(public=public.decode(), private=private.decode())
