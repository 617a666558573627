"""Bases, platforms and roots: what Dockerfiles become on each, and what cannot be had."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from mastic.build.graph import ImageGraph, image_graph
from mastic.build.single import find_tool
from mastic.cli.options import shipped_catalogue
from mastic.errors import InputError
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from tests.build.serving import KEYSTONE, served
from tests.golden.compare import assert_golden

LAPTOP = Path(__file__).parents[2] / "examples/laptop/cloud.yml"
SHOWN = ("root", "base", "openstack-base", "keystone", "keystone-schema", "nova-compute", "nova-libvirt", "ovn")
BASES = {"ubuntu-noble": "", "rocky-9": "", "oracle-linux-9": "", "centos-stream-9": "root: registry:stream:9\n"}
CARELESS = {
    "DL3002": "an image without a user of its own is run as the user its workload names",
    "DL3003": "`cd` for one command",
    "DL3008": "versions are those of the mirror; the digest of what was installed is in the SBOM",
    "DL3009": "the lists are a mount",
    "DL3040": "the cache is a mount",
    "DL3041": "as DL3008",
    "DL3059": "one layer per purpose",
    "DL3066": "users have fixed ids",
    "DL4006": "the shell is Debian's",
    "SC2046": "splitting is wanted",
}


def graph_on(folder: Path, more: str) -> ImageGraph:
    text = re.sub(r"^cloud: .*$", "cloud: lab\n" + more, LAPTOP.read_text(), count=1, flags=re.MULTILINE)
    (folder / "cloud.yml").write_text(text)
    return image_graph(load_catalogue(shipped_catalogue()), load_cloud(folder / "cloud.yml"))


def shown(graph: ImageGraph) -> str:
    parts = [f"==> {name}\n{graph.nodes[name].dockerfile}" for name in SHOWN]
    return re.sub(r"(mastic/[a-z0-9-]+):[0-9a-f]{16}", r"\1:…", "\n".join(parts))


@pytest.mark.parametrize("base", BASES)
def test_dockerfiles_on(base: str, tmp_path: Path) -> None:
    assert_golden(f"dockerfiles-{base}", shown(graph_on(tmp_path, f"base: {base}\n{BASES[base]}")))


@pytest.mark.parametrize("base", ["debian-trixie", *BASES])
def test_a_linter_finds_nothing_careless(base: str, tmp_path: Path) -> None:
    graph = graph_on(tmp_path, f"base: {base}\n{BASES.get(base, '')}")
    paths = []
    for name, node in graph.nodes.items():
        if node.dockerfile:
            paths.append(tmp_path / f"{name}.Dockerfile")
            paths[-1].write_text(node.dockerfile)
    ignored = [f"--ignore={rule}" for rule in CARELESS]
    command = [find_tool("hadolint"), "--no-color", *ignored, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_packages_of_the_first_list_that_is_there(tmp_path: Path) -> None:
    rocky = graph_on(tmp_path, "base: rocky-9\n").nodes
    assert " qemu-img " in rocky["glance-api"].dockerfile and "apt-get" not in rocky["glance-api"].dockerfile
    assert "python3.12" in rocky["root"].dockerfile and rocky["root"].bootstrap is None


def test_another_processor(tmp_path: Path) -> None:
    graph = graph_on(tmp_path, "platform: linux/arm64\n")
    bootstrap = graph.nodes["root"].bootstrap
    assert bootstrap and bootstrap.architecture == "arm64"
    assert {node.platform for name, node in graph.nodes.items() if name != "root"} == {"linux/arm64"}
    assert "KOLLA_BASE_ARCH=aarch64" in graph.nodes["base"].dockerfile
    assert "qemu-system-arm " in graph.nodes["nova-libvirt"].dockerfile
    amd64 = graph_on(tmp_path, "").references
    assert not set(amd64.values()) & set(graph.references.values())


def test_a_root_from_a_registry(tmp_path: Path) -> None:
    root = graph_on(tmp_path, "root: registry:mirror.example.org/debian:trixie\n").nodes["root"]
    assert root.dockerfile.startswith("FROM mirror.example.org/debian:trixie\n") and root.bootstrap is None


def test_a_root_from_a_tar(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "root.tar", "w") as tar:
        tar.add(LAPTOP, "etc/cloud.yml")
    digest = hashlib.sha256((tmp_path / "root.tar").read_bytes()).hexdigest()
    graph = graph_on(tmp_path, "root: tar:root.tar\n")
    assert graph.nodes["seed"].archive == tmp_path / "root.tar"
    assert graph.nodes["seed"].reference == f"mastic/seed:{digest[:16]}"
    assert graph.nodes["root"].needs == ("seed",)
    assert graph.nodes["root"].dockerfile.startswith(f"FROM mastic/seed:{digest[:16]}\n")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("base: debian-trixi\n", "did you mean `debian-trixie`"),
        ("base: debian-bookworm\n", r"`openvswitch` does not work on `debian-bookworm`: its Open vSwitch 3\.1"),
        ("base: centos-stream-9\n", "no root file system for `centos-stream-9`"),
        ("root: tar:nowhere.tar\n", r"no root file system `nowhere\.tar`"),
        ("root: floppy\n", "root"),
        ("base: rocky-9\nkind: binary\n", "packages of `rocky-9` are no release that mastic knows"),
        ("base: rocky-9\nrelease: '2025.1'\n", r"no lock for Python 3\.12"),
    ],
)
def test_what_cannot_be_had(more: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        graph_on(tmp_path, more)


@pytest.mark.engine
def test_keystone_serves_on_bookworm(tmp_path: Path) -> None:
    text = "cloud: lab\nbase: debian-bookworm\nhosts: {one: {}}\nservices: [mariadb, memcached, haproxy, keystone]\n"
    (tmp_path / "cloud.yml").write_text(text)
    graph = image_graph(load_catalogue(shipped_catalogue()), load_cloud(tmp_path / "cloud.yml"))
    answer, user = served(graph, "keystone", KEYSTONE, tmp_path)
    assert '"id": "v3' in answer and user == "keystone"
