"""Secrets: made once, opened by ansible-vault itself, never half written."""

from __future__ import annotations

import base64
import re
import ssl
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from mastic.errors import InputError
from mastic.load.secrets import SecretStore
from mastic.model.service import Secret

WANTED = {
    "ca_certificate": Secret(type="authority"),
    "front": Secret(type="certificate", names=("192.0.2.1", "front.example")),
    "word": Secret(type="password", length=24),
    "ring": Secret(type="fernet_key"),
    "salt": Secret(type="hex", length=32),
    "name": Secret(type="uuid"),
}


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    return SecretStore(tmp_path / "state" / "lab", tmp_path / "etc" / "password")


def test_every_type_has_its_form(store: SecretStore) -> None:
    assert sorted(store.ensure(WANTED)) == sorted(WANTED)
    values = store.values(WANTED)
    assert re.fullmatch("[A-Za-z0-9]{24}", values["word"])
    assert len(base64.urlsafe_b64decode(values["ring"])) == 32
    assert re.fullmatch("[0-9a-f]{32}", values["salt"])
    assert uuid.UUID(values["name"]).version == 4


def test_a_second_time_makes_and_writes_nothing(store: SecretStore) -> None:
    store.ensure(WANTED)
    before = (store.path.read_bytes(), store.index_path.read_bytes())
    assert store.ensure(WANTED) == ()
    assert (store.path.read_bytes(), store.index_path.read_bytes()) == before
    assert set(store.versions().values()) == {1}


def test_ansible_vault_opens_the_file(store: SecretStore) -> None:
    store.ensure(WANTED)
    tool = Path(sys.executable).with_name("ansible-vault")
    command = [str(tool), "view", "--vault-password-file", str(store.password_file), str(store.path)]
    shown = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin", "HOME": "/"}
    )
    assert yaml.safe_load(shown.stdout)["word"] == store.values(["word"])["word"]


def test_files_are_for_root_only_and_tell_nothing(store: SecretStore) -> None:
    store.ensure(WANTED)
    for path in (store.path, store.index_path, store.password_file):
        assert path.stat().st_mode & 0o777 == 0o600
    word = store.values(["word"])["word"]
    assert word not in store.path.read_text() + store.index_path.read_text()
    assert sorted(each.name for each in store.folder.iterdir()) == ["secrets.index.json", "secrets.yml"]


def test_the_certificate_is_the_authoritys(store: SecretStore, tmp_path: Path) -> None:
    store.ensure(WANTED)
    pem = store.values(["front"])["front"]
    certificate = x509.load_pem_x509_certificate(pem.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(each.value) for each in names] == ["192.0.2.1", "front.example"]
    store.write_authority(tmp_path / "ca.pem")
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    certificate.verify_directly_issued_by(authority)
    assert "PRIVATE" not in (tmp_path / "ca.pem").read_text()
    (tmp_path / "front.pem").write_text(pem)
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(tmp_path / "front.pem")


def test_other_names_make_another_certificate_and_only_that(store: SecretStore) -> None:
    store.ensure(WANTED)
    before = store.values(WANTED)
    wanted = {**WANTED, "front": Secret(type="certificate", names=("192.0.2.2",))}
    assert store.ensure(wanted) == ("front",)
    after = store.values(WANTED)
    assert {name for name in WANTED if before[name] != after[name]} == {"front"}
    assert store.versions()["front"] == 2 and store.versions()["word"] == 1


def test_versions_need_no_password(store: SecretStore) -> None:
    store.ensure(WANTED)
    store.password_file.unlink()
    assert store.versions()["word"] == 1


def test_a_lost_index_is_made_anew(store: SecretStore) -> None:
    store.ensure(WANTED)
    store.index_path.unlink()
    store.ensure(WANTED)
    assert store.versions().keys() == {*WANTED, "ca_private_key"}


@pytest.mark.parametrize(
    ("password", "message"), [("another", "cannot be decrypted"), ("", "is empty"), (None, "is missing")]
)
def test_a_wrong_password_is_told(store: SecretStore, password: str | None, message: str) -> None:
    store.ensure(WANTED)
    store.password_file.unlink()
    if password is not None:
        store.password_file.write_text(password)
    again = SecretStore(store.folder, store.password_file)
    with pytest.raises(InputError, match=message):
        again.ensure(WANTED)


def test_a_secret_never_made_is_told(store: SecretStore) -> None:
    store.ensure(WANTED)
    with pytest.raises(InputError, match="not made yet: `other`"):
        store.values(["word", "other"])
    assert store.values([]) == {}


def test_a_version_wanted_is_made_once_and_the_one_before_kept(store: SecretStore) -> None:
    wanted = {"door": Secret(type="password"), "gate": Secret(type="password")}
    store.ensure(wanted)
    before = store.values(["door", "gate"])
    assert store.ensure(wanted, {"door": 2, "gate": 1}) == ("door",)
    assert store.ensure(wanted, {"door": 2, "gate": 1}) == ()
    after = store.values(["door", "gate"])
    assert after["door"] != before["door"]
    assert after["gate"] == before["gate"]
    assert store.values(["door"], {"door": 1}) == {"door": before["door"]}
    assert store.versions() == {"door": 2, "gate": 1}


def test_a_new_certificate_comes_from_the_same_authority(store: SecretStore) -> None:
    wanted = {"ca_certificate": Secret(type="authority"), "web": Secret(type="certificate", names=("localhost",))}
    store.ensure(wanted)
    before = store.values(["ca_certificate", "web"])
    assert store.ensure(wanted, {"web": 2}) == ("web",)
    after = store.values(["ca_certificate", "web"])
    assert after["ca_certificate"] == before["ca_certificate"]
    assert after["web"] != before["web"]


def test_an_index_ahead_of_its_value_does_not_pass_for_a_rotation(store: SecretStore) -> None:
    wanted = {"door": Secret(type="password")}
    store.ensure(wanted)
    before = store.values(["door"])
    store.index_path.write_text('{"door": 2}')  # killed between index and value
    assert store.ensure(wanted, {"door": 2}) == ("door",)
    assert store.values(["door"]) != before
    assert store.versions() == {"door": 2}
