"""An operator's folder `images/` built for real, and looked into: every way to change an image does what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mastic.build.builder import build_images
from mastic.build.engine import Engine, find_engine
from mastic.build.graph import ImageGraph, image_graph
from mastic.build.signing import KEY_VARIABLE
from mastic.cli.options import shipped_catalogue
from mastic.execute.feed import ImageFeed
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from tests.build.standing import laptop
from tests.build.test_customise import write
from tests.build.test_source_layer import project

pytestmark = pytest.mark.engine
CUSTOMISED = """
change:
  haproxy:
    packages: {add: [jq]}
    files: {motd: /etc/motd}
    run: {add: [echo ran >/etc/ran]}
    environment: {SAID: by-the-operator}
    blocks: mine.j2
  memcached:
    packages: {replace: [netcat-openbsd]}
    run: {replace: []}
  neutron-ovn-metadata-agent:
    packages: {remove: [iptables]}
  keystone:
    python: {add: [networkx]}
    plugins: [plugins/mine]
add:
  my-haproxy:
    from: haproxy
    packages: {debian: [bc]}
    copy: {tool: /usr/local/bin/tool}
    workloads: [haproxy]
"""
FILES = {
    "files/motd": "hello\n",
    "files/tool": "#!/bin/sh\necho from the tool\n",
    "mine.j2": "{% block footer %}\nRUN --mount=type=secret,id=ca cat /run/secrets/ca >/tmp/ca"
    " && grep -c OPERATORS-OWN /tmp/ca >/etc/authorities-seen && rm /tmp/ca\n"
    "{% endblock %}\n",
    "patches/keystone/1.patch": "--- a/keystone/version.py\n+++ b/keystone/version.py\n@@ -14,2 +14,3 @@\n"
    " def release_string():\n     return 'v3.14'\n+PATCHED = 'by the operator'\n",
}
CHANGED = ("haproxy", "memcached", "neutron-ovn-metadata-agent", "keystone", "my-haproxy")


@dataclass(frozen=True)
class Shop:
    """The customised images."""

    engine: Engine
    graph: ImageGraph

    def shell(self, image: str, command: str) -> str:
        words = ("run", "--rm", "--network=none", "--entrypoint=sh", self.graph.references[image], "-c", command)
        return self.engine.ask(*words).strip()

    def packages(self, image: str) -> set[str]:
        return set(self.shell(image, "dpkg-query -W -f '${Package}\\n'").split())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Built on a machine with an authority of its own."""
    folder = tmp_path_factory.mktemp("customised")
    definition = write(folder, CUSTOMISED, FILES)
    project(folder / "images/plugins/mine", "VALUE = 'plugged in'\n")
    graph = image_graph(load_catalogue(shipped_catalogue()), load_cloud(definition))
    engine = find_engine()
    with pytest.MonkeyPatch.context() as machine:
        machine.setenv(KEY_VARIABLE, str(folder / "key.pem"))
        machine.setenv("SSL_CERT_FILE", str(own_authorities(folder)))
        try:
            build_images(graph, CHANGED, ImageFeed(), lambda event: None, folder / "logs")
            yield Shop(engine, graph)
        finally:
            engine.forget(*(graph.references[name] for name in reversed(CHANGED)))


def own_authorities(folder: Path) -> Path:
    """The machine's bundle, and one line more that is found again."""
    bundle = folder / "authorities.pem"
    machine = Path("/etc/ssl/certs/ca-certificates.crt")
    bundle.write_text("# OPERATORS-OWN\n" + (machine.read_text() if machine.is_file() else ""))
    return bundle


def test_packages_are_added_replaced_and_removed(shop: Shop) -> None:
    assert {"haproxy", "jq"} <= shop.packages("haproxy")
    assert "netcat-openbsd" in shop.packages("memcached") and "memcached" not in shop.packages("memcached")
    agent = shop.packages("neutron-ovn-metadata-agent")
    assert "iptables" not in agent and "haproxy" in agent


def test_files_commands_environment_and_blocks(shop: Shop) -> None:
    assert shop.shell("haproxy", "cat /etc/motd /etc/ran; echo $SAID; id -un").split() == [
        "hello",
        "ran",
        "by-the-operator",
        "haproxy",
    ]


def test_distributions_plugins_and_patches(shop: Shop) -> None:
    say = "import alpha, networkx, keystone.version as v; print(alpha.VALUE, v.PATCHED, sep='; ')"
    assert shop.shell("keystone", f'python3 -c "{say}"') == "plugged in; by the operator"


def test_an_own_image_stands_on_the_changed_one(shop: Shop) -> None:
    assert shop.shell("my-haproxy", "tool; cat /etc/motd").splitlines() == ["from the tool", "hello"]
    assert {"bc", "jq"} <= shop.packages("my-haproxy")


def test_the_machines_authorities_reach_the_build_and_no_layer(shop: Shop) -> None:
    assert shop.shell("haproxy", "cat /etc/authorities-seen") == "1"
    assert shop.shell("haproxy", "grep -rl OPERATORS-OWN /etc /usr/share/ca-certificates /tmp || true") == ""


def test_what_was_not_named_is_as_before(shop: Shop) -> None:
    differ = {name for name, each in laptop().references.items() if shop.graph.references[name] != each}
    assert differ == {*CHANGED, "keystone-schema"} - {"my-haproxy"}
