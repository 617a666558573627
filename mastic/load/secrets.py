"""The folder of a cloud's state → its secrets: made once, kept encrypted as `ansible-vault` does."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from mastic.errors import InputError, Place, Problem
from mastic.load.authority import Authority, is_valid_for, issue, make_authority
from mastic.load.generate import generate
from mastic.model.desired import RESERVED_SECRETS
from mastic.model.service import Secret

CERTIFICATE, KEY = RESERVED_SECRETS


class SecretStore:
    """Values in `secrets.yml`, encrypted; names and versions in `secrets.index.json`, so a plan decrypts nothing."""

    def __init__(self, folder: Path, password_file: Path) -> None:
        self.folder = folder
        self.password_file = password_file

    @property
    def path(self) -> Path:
        """The encrypted file."""
        return self.folder / "secrets.yml"

    @property
    def index_path(self) -> Path:
        """Name → version, without any value."""
        return self.folder / "secrets.index.json"

    def versions(self) -> dict[str, int]:
        """Version of every secret made so far; raises InputError when the index cannot be read."""
        try:
            index = json.loads(self.index_path.read_text(encoding="utf-8"))
            return {str(name): int(version) for name, version in index.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError) as error:
            message = f"the index of the secrets cannot be read: {error}"
            hint = "remove the file: `mastic apply` makes it anew from the secrets"
            raise InputError(Problem(message, Place(str(self.index_path)), hint)) from None

    def ensure(self, wanted: Mapping[str, Secret], versions: Mapping[str, int] | None = None) -> tuple[str, ...]:
        """Make what is missing, certificates whose names changed, and what is older than the version wanted of it.

        Returns the names of what was made.

        The value before stays on record under its version. The password file is made on first use. Raises InputError
        when the secrets cannot be opened.
        """
        values, told = self._read(), self.versions()
        before = dict(values)
        known = {name: told.get(name, known_version(name, values)) for name in values if is_current(name)}
        behind = {name: version for name, version in (versions or {}).items() if is_behind(name, version, before)}
        for name in behind.keys() & wanted.keys():
            del values[name]
        made = [
            name for name, secret in sorted(wanted.items(), key=_authority_first) if self._make(name, secret, values)
        ]
        for name in made:
            following = max(told.get(name, 0), known[name]) + 1 if name in known else 1
            known[name] = behind.get(name, following)
            if name in before:
                values[versioned(name, known_version(name, before))] = before[name]
                values[versioned(name, known[name])] = values[name]
        if made or not self.index_path.exists():
            if KEY in values:
                known.setdefault(KEY, known.get(CERTIFICATE, 1))
            self._write(values, known)
        return tuple(made)

    def values(self, names: Iterable[str], versions: Mapping[str, int] | None = None) -> dict[str, str]:
        """Values by name, those in force or of the versions said.

        Raises InputError when one was never made, is gone, or the file cannot be opened.
        """
        names = tuple(names)
        if not names:
            return {}
        known, current = self._read(), self.versions()
        wanted = {name: (versions or current).get(name, current.get(name, 1)) for name in names}
        keys = {name: _key(name, version, known, current) for name, version in wanted.items()}
        missing = [name for name in names if keys[name] not in known]
        if missing:
            raise InputError(_not_there([(name, wanted[name]) for name in missing], current, Place(str(self.path))))
        return {name: known[key] for name, key in keys.items()}

    def forget(self, needed: Mapping[str, Collection[int]]) -> tuple[str, ...]:
        """Drop versions that are not in force and not among those needed; returns what was dropped, as `name@1`."""
        known, current = self._read(), self.versions()
        gone = tuple(
            key
            for key in sorted(known)
            if not is_current(key)
            and (version := int(key.rpartition("@")[2])) != current.get(name := key.rpartition("@")[0])
            and version not in needed.get(name, ())
        )
        if gone:
            self._write({key: value for key, value in known.items() if key not in gone}, current)
        return gone

    def write_authority(self, path: Path) -> None:
        """Write the certificate of the cloud's authority, for clients; it is public."""
        certificate = self.values([CERTIFICATE])[CERTIFICATE]
        write_whole(path, certificate.encode(), 0o644)

    def _make(self, name: str, secret: Secret, values: dict[str, str]) -> bool:
        """Put a missing value into `values`; tells whether it did."""
        if secret.type == "authority":
            if name in values and KEY in values:
                return False
            authority = make_authority(self.folder.name)
            values |= {name: authority.certificate, KEY: authority.key}
            return True
        if secret.type == "certificate":
            authority = Authority(values[CERTIFICATE], values[KEY])
            if name in values and is_valid_for(values[name], secret.names, authority):
                return False
            values[name] = issue(authority, secret.names)
            return True
        if name in values:
            return False
        values[name] = generate(secret)
        return True

    def _read(self) -> dict[str, str]:
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise InputError(Problem(f"cannot read the secrets: {error.strerror}", Place(str(self.path)))) from None
        from ansible.errors import AnsibleError

        try:
            data: Any = yaml.safe_load(self._vault.decrypt(text))
        except AnsibleError:
            hint = f"the password in {self.password_file} is another one than they were encrypted with"
            raise InputError(Problem("the secrets cannot be decrypted", Place(str(self.path)), hint)) from None
        if not isinstance(data, dict):
            raise InputError(Problem("the secrets are not a list of `name: value` lines", Place(str(self.path))))
        return {str(name): str(value) for name, value in data.items()}

    def _write(self, values: Mapping[str, str], versions: Mapping[str, int]) -> None:
        """Index first: a version without its value is made again, a value without its version would not be deployed."""
        text = yaml.safe_dump(dict(sorted(values.items())), default_flow_style=False, width=1 << 20)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        encrypted = self._vault.encrypt(text.encode())
        index = json.dumps(dict(sorted(versions.items())), indent=2) + "\n"
        write_whole(self.index_path, index.encode(), 0o600)
        write_whole(self.path, encrypted, 0o600)

    @cached_property
    def _vault(self) -> Any:
        """ansible-core's own reader and writer of vaults; imported late, because it takes 0.3 s."""
        from ansible.constants import DEFAULT_VAULT_IDENTITY
        from ansible.parsing.vault import VaultLib, VaultSecret

        return VaultLib([(DEFAULT_VAULT_IDENTITY, VaultSecret(self._password()))])

    def _password(self) -> bytes:
        """The vault password; made on first use when no secret was encrypted yet."""
        place = Place(str(self.password_file))
        try:
            password = self.password_file.read_bytes().strip()
        except FileNotFoundError:
            if self.path.exists():
                hint = f"put back the password that {self.path} was encrypted with"
                raise InputError(Problem("the vault password is missing", place, hint)) from None
            password = secrets.token_urlsafe(48).encode()
            self.password_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self.password_file, password + b"\n", 0o600)
        except OSError as error:
            raise InputError(Problem(f"cannot read the vault password: {error.strerror}", place)) from None
        if not password:
            raise InputError(Problem("the vault password is empty", place))
        return password


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file so that at any moment it is either the old one or the new one, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.fchmod(descriptor, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def is_current(key: str) -> bool:
    """Whether an entry of the encrypted file is a value in force; the others are kept versions, `name@1`."""
    return "@" not in key


def versioned(name: str, version: int) -> str:
    """Entry of a version that is kept."""
    return f"{name}@{version}"


def known_version(name: str, values: Mapping[str, str]) -> int:
    """Version of the value in force as the encrypted file itself tells it: a crash may leave the index ahead."""
    return max((int(key.rpartition("@")[2]) for key in values if key.startswith(f"{name}@")), default=1)


def is_behind(name: str, version: int, values: Mapping[str, str]) -> bool:
    """Whether there is only an earlier value than of this version; one never made is not behind."""
    return name in values and known_version(name, values) < version


def _key(name: str, version: int, known: Mapping[str, str], current: Mapping[str, int]) -> str:
    kept = versioned(name, version)
    return name if kept not in known and version == current.get(name, 1) else kept


def _not_there(missing: list[tuple[str, int]], current: Mapping[str, int], place: Place) -> Problem:
    never = [name for name, _ in missing if name not in current]
    if never:
        told = ", ".join(f"`{name}`" for name in never)
        return Problem(f"secrets not made yet: {told}", place, "`mastic apply` makes them")
    told = ", ".join(f"`{name}` version {version}" for name, version in missing)
    return Problem(f"secrets no longer kept: {told}", place, "return to a later generation")


def _authority_first(item: tuple[str, Secret]) -> tuple[bool, str]:
    return item[1].type != "authority", item[0]
