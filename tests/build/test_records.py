"""Bill of materials, provenance, signature: what they say, and that no change of them passes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mastic.build.assemble import Made, Parent, image_config, image_id
from mastic.build.engine import ImageFacts
from mastic.build.graph import ImageGraph, ImageNode, image_graph
from mastic.build.provenance import provenance
from mastic.build.records import Records, check_images
from mastic.build.sbom import bill_of_materials
from mastic.build.signing import make_key, opened, private_key, public_key, sign
from mastic.errors import InputError

from .small import catalogue, cloud_file

INVENTORY = {
    "status": (
        "Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 8.1+x~1\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n"
    ),
    "metadata": ["Name: Oslo.Config\nVersion: 9.1\nLicense-Expression: Apache-2.0", "Name: Oslo.Config\nVersion: 9.1"],
}
LAYERS = ("sha256:" + "1" * 64, "sha256:" + "2" * 64)


def graph() -> ImageGraph:
    return image_graph(catalogue(), cloud_file())


def made() -> Made:
    parent = Parent("mastic/python-base:1", "sha256:" + "9" * 64, LAYERS[:1])
    settings = {"User": "web", "Hostname": "builder", "Env": ["A=b"], "Labels": {"mastic.image": "web-api"}}
    return Made(Path("layer"), LAYERS[1], settings, parent, "amd64")


def test_bill_names_packages_and_distributions_once() -> None:
    bill = json.loads(bill_of_materials(graph().nodes["web-api"], INVENTORY, "trixie", 1_700_000_000))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert [each["purl"] for each in bill["components"]] == [
        "pkg:deb/debian/curl@8.1%2Bx~1?arch=amd64&distro=debian-trixie",
        "pkg:pypi/oslo-config@9.1",
    ]
    assert bill["components"][1]["licenses"] == [{"expression": "Apache-2.0"}]
    assert bill["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"


def test_configuration_has_ocis_labels_and_nothing_of_the_builder() -> None:
    node = graph().nodes["web-api"]
    config = image_config(node, made())
    assert config["rootfs"]["diff_ids"] == list(LAYERS)
    assert "Hostname" not in config["config"]
    labels = config["config"]["Labels"]
    assert labels["mastic.image"] == "web-api"
    assert {key.rpartition("image.")[2]: value for key, value in labels.items() if "opencontainers" in key} == {
        "title": "mastic/web-api",
        "source": "catalogue/web",
        "revision": node.reference.rpartition(":")[2],
        "version": "1.0",
        "created": "2026-09-30T00:00:00Z",
        "base.name": "mastic/python-base:1",
        "base.digest": "sha256:" + "9" * 64,
    }


def test_provenance_names_every_input() -> None:
    node = graph().nodes["web-api"]
    bill = bill_of_materials(node, INVENTORY, "trixie", 0)
    said = provenance(node, image_config(node, made()), "sha256:" + "5" * 64, bill)
    inputs = [each.get("name") or each["uri"] for each in said["predicate"]["buildDefinition"]["resolvedDependencies"]]
    assert inputs == [
        "mastic/python-base:1",
        "Dockerfile",
        "context/requirements.txt",
        "context/start",
        "pkg:pypi/alpha@1.0",
        "pkg:pypi/beta@2.0",
        "pkg:deb/debian/curl@8.1%2Bx~1?arch=amd64&distro=debian-trixie",
    ]
    assert said["subject"] == [{"name": node.reference, "digest": {"sha256": "5" * 64}}]


# Keys and signatures


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "deep/key.pem"
    first = private_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert private_key(path).public_key() == first.public_key() == public_key(path)


@pytest.mark.parametrize("content", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_damaged_key_is_refused_with_a_hint(tmp_path: Path, content: str) -> None:
    (tmp_path / "key.pem").write_text(content)
    with pytest.raises(InputError) as caught:
        private_key(tmp_path / "key.pem")
    assert "openssl genpkey" in str(caught.value)


def test_only_the_signers_key_opens_an_envelope(tmp_path: Path) -> None:
    for name in ("mine.pem", "other.pem"):
        make_key(tmp_path / name)
    envelope = sign({"a": 1}, private_key(tmp_path / "mine.pem"))
    assert opened(envelope, public_key(tmp_path / "mine.pem")) == {"a": 1}
    assert opened(envelope, public_key(tmp_path / "other.pem")) is None
    forged = base64.b64encode(b'{"a": 2}').decode()
    assert opened({**envelope, "payload": forged}, public_key(tmp_path / "mine.pem")) is None
    assert opened({}, public_key(tmp_path / "mine.pem")) is None


# The check of an image


def kept(folder: Path) -> tuple[ImageNode, ImageFacts, Records]:
    """An image with its signed record."""
    node = graph().nodes["web-api"]
    config = image_config(node, made())
    bill = bill_of_materials(node, INVENTORY, "trixie", 0)
    statement = provenance(node, config, image_id(config), bill)
    records = Records(folder / "records")
    records.write(node.reference, sign(statement, private_key(folder / "key.pem")), bill)
    return node, ImageFacts(image_id(config), 1, LAYERS, config["config"]["Labels"]), records


def said(folder: Path, facts: dict[str, ImageFacts], records: Records) -> list[str]:
    problems = check_images(graph(), ("web-api",), facts, records, public_key(folder / "key.pem"))
    return [problem.message for problem in problems]


def test_what_was_signed_passes(tmp_path: Path) -> None:
    node, facts, records = kept(tmp_path)
    assert said(tmp_path, {node.reference: facts}, records) == []


Spoil = Callable[[ImageNode, Records], Any]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "sha256:" + "0" * 64}, "another image under this tag"),
        ({"layers": LAYERS[:1]}, "its layers are not those"),
        ({"labels": {}}, "label `revision`"),
    ],
)
def test_another_image_does_not_pass(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    node, facts, records = kept(tmp_path)
    found = said(tmp_path, {node.reference: replace(facts, **change)}, records)
    assert len(found) == 1 and message in found[0]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda node, records: records.bill(node.reference).write_text("{}"), "bill of materials was changed"),
        (lambda node, records: records.bill(node.reference).unlink(), "record cannot be read"),
        (lambda node, records: records.envelope(node.reference).write_text("{"), "record cannot be read"),
        (lambda node, records: records.envelope(node.reference).write_text("{}"), "not signed with this key"),
    ],
)
def test_a_spoilt_record_does_not_pass(tmp_path: Path, spoil: Spoil, message: str) -> None:
    node, facts, records = kept(tmp_path)
    spoil(node, records)
    found = said(tmp_path, {node.reference: facts}, records)
    assert len(found) == 1 and message in found[0]


def test_a_missing_image_is_told(tmp_path: Path) -> None:
    _, _, records = kept(tmp_path)
    assert "is not in the engine" in said(tmp_path, {}, records)[0]
