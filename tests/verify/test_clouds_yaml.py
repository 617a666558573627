"""The credentials file: complete, private, and written whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from mastic.verify.clouds_yaml import write_clouds_yaml
from tests.verify.test_workloads import DESIRED

CLIENT = {
    "auth_url": "https://127.0.0.1:5000/v3",
    "region": "RegionOne",
    "user": "admin",
    "project": "admin",
    "password": "@@secret:admin_password@@",
}


class KnownSecrets:
    """A secret store with one secret."""

    def values(self, names: Sequence[str]) -> Mapping[str, str]:
        return {name: {"admin_password": "s3cr:et # '\""}[name] for name in names}


def test_clouds_yaml_has_everything_a_client_needs(tmp_path: Path) -> None:
    path = write_clouds_yaml(replace(DESIRED, client=CLIENT), KnownSecrets(), tmp_path)
    assert path is not None
    assert path == tmp_path / "clouds.yaml"
    assert yaml.safe_load(path.read_text())["clouds"]["mastic"] == {
        "auth": {
            "auth_url": "https://127.0.0.1:5000/v3",
            "username": "admin",
            "password": "s3cr:et # '\"",
            "project_name": "admin",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        },
        "region_name": "RegionOne",
        "cacert": str(tmp_path / "ca.pem"),
        "identity_api_version": 3,
        "interface": "public",
    }


def test_clouds_yaml_is_private_also_when_it_replaces_an_open_one(tmp_path: Path) -> None:
    (tmp_path / "clouds.yaml").write_text("old")
    (tmp_path / "clouds.yaml").chmod(0o644)
    (tmp_path / "clouds.new").write_text("left by a killed process")
    path = write_clouds_yaml(replace(DESIRED, client=CLIENT), KnownSecrets(), tmp_path)
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["clouds.yaml"]


def test_cloud_without_identity_gets_none(tmp_path: Path) -> None:
    assert write_clouds_yaml(DESIRED, KnownSecrets(), tmp_path) is None
    assert list(tmp_path.iterdir()) == []
