"""A statement about an image → a signed envelope (DSSE, Ed25519) and back; the key is a file of the operator."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from mastic.errors import InputError, Place, Problem

PAYLOAD_TYPE = "application/vnd.in-toto+json"
KEY_VARIABLE = "MASTIC_SIGNING_KEY"
DEFAULT_KEY = Path("/etc/mastic/signing-key.pem")


def key_path(variables: Mapping[str, str] = os.environ) -> Path:
    """The private key; the public one lies beside it with the suffix `.pub`."""
    return Path(variables.get(KEY_VARIABLE) or DEFAULT_KEY)


def private_key(path: Path) -> Ed25519PrivateKey:
    """The signing key, made on first use; raises InputError when it cannot be read or written."""
    try:
        if not path.exists():
            make_key(path)
        found = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(Problem(f"the signing key cannot be used: {error}", Place(str(path)), KEY_HINT)) from error
    if not isinstance(found, Ed25519PrivateKey):
        raise InputError(Problem("the signing key is not an Ed25519 key", Place(str(path)), KEY_HINT))
    return found


KEY_HINT = f"${KEY_VARIABLE} names another; `openssl genpkey -algorithm ed25519` makes one"


def make_key(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.with_suffix(".pub").write_bytes(public)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def public_key(path: Path) -> Ed25519PublicKey:
    """The key that signatures are checked with: `path` is the public key itself or the private one beside it."""
    beside = path if path.suffix == ".pub" else path.with_suffix(".pub")
    try:
        found = load_pem_public_key(beside.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(Problem(f"the public key cannot be read: {error}", Place(str(beside)), KEY_HINT)) from error
    if not isinstance(found, Ed25519PublicKey):
        raise InputError(Problem("the public key is not an Ed25519 key", Place(str(beside)), KEY_HINT))
    return found


def encoded(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is really signed."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def sign(statement: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    signature = base64.b64encode(key.sign(encoded(payload))).decode()
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"sig": signature}],
    }


def opened(envelope: Mapping[str, Any], key: Ed25519PublicKey) -> dict[str, Any] | None:
    """The statement, when `key` signed it; None when it did not, or the envelope is damaged."""
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        for each in envelope["signatures"]:
            key.verify(base64.b64decode(each["sig"], validate=True), encoded(payload))
            return dict(json.loads(payload))
    except (KeyError, TypeError, ValueError, InvalidSignature):
        return None
    return None
