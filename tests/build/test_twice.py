"""Built twice from nothing, an image has the same layers and the same id; what is in them passes `--verify`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest

from mastic.build.builder import How, build_images
from mastic.build.engine import Engine, ImageFacts, find_engine
from mastic.build.graph import ImageGraph, ImageNode, image_graph
from mastic.build.records import Records, check_images
from mastic.build.signing import KEY_VARIABLE, key_path, private_key, public_key
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud

pytestmark = pytest.mark.engine
REPOSITORY = Path(__file__).resolve().parents[2]
CHANCE = r"""
USER root
RUN --mount=type=bind,source=text,target=/context/text mkdir /opt/app && cp /context/text /opt/app/ \
 && cat /proc/sys/kernel/random/uuid > /etc/machine-id && date > /var/log/dpkg.log && date > /tmp/left \
 && printf 'import os\n' > /opt/app/module.py && python3 -m py_compile /opt/app/module.py \
 && useradd --uid 4242 --user-group app && rm /etc/debian_version && date > /run/app.pid && mkdir /run/app
COPY text /opt/deep/folder/
"""


class Nobody:
    """A feed that nobody listens to."""

    def ready(self, reference: str) -> None: ...

    def failed(self, reference: str, why: str) -> None: ...


@dataclass(frozen=True)
class Bench:
    """The real base images, and a small image on top whose steps leave a lot to chance."""

    graph: ImageGraph
    logs: Path
    engine: Engine
    stored: tuple[str, ...]
    """Images with stored schemas."""

    def build(self, *names: str, anew: bool) -> dict[str, ImageFacts]:
        how = How(anew=anew, records=self.logs / "records")
        build_images(self.graph, names, Nobody(), lambda event: None, self.logs, how)
        facts = self.engine.facts()
        return {name: facts[self.graph.references[name]] for name in names}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "key.pem"))
    example = load_cloud(REPOSITORY / "examples/laptop/cloud.yml")
    services = (*example.cloud.services, "heat", "horizon", "cinder")
    cloud = replace(example, cloud=example.cloud.model_copy(update={"services": services}))
    catalogue = load_catalogue(REPOSITORY / "catalogue")
    graph = image_graph(catalogue, cloud)
    base = graph.nodes["base"]
    reference = f"mastic/test-twice:{uuid4().hex[:16]}"
    top = ImageNode("top", "test", reference, "base", ("base",), f"FROM {base.reference}\n{CHANCE}", {"text": b"text"})
    engine = find_engine()
    owners = {name: folder.service.images[name] for name, folder in catalogue.image_owners().items()}
    stored = tuple(name for name, image in owners.items() if image.snapshot and name in graph.nodes)
    try:
        yield Bench(ImageGraph({**graph.nodes, "top": top}), tmp_path, engine, stored)
    finally:
        engine.forget(reference)


def test_steps_that_leave_much_to_chance_give_the_same_image(bench: Bench) -> None:
    first = bench.build("top", anew=True)["top"]
    second = bench.build("top", anew=True)["top"]
    assert (first.layers, first.id) == (second.layers, second.id)
    shown = bench.engine.ask(
        "run", "--rm", "--network=none", "--entrypoint=sh", bench.graph.references["top"], "-c",
        "cat /etc/machine-id; find / -xdev -newermt 2026-09-30T00:00:01Z -type f ! -path '/etc/host*'"
        " ! -path /etc/resolv.conf ! -path /.dockerenv; ls -d /run/app /run/app.pid /tmp/left /context"
        " /etc/debian_version /opt/app/text 2>/dev/null; true",
    )  # fmt: skip
    assert shown.split() == ["/opt/app/text", "/run/app"]


def anew_as_before(bench: Bench, *names: str) -> None:
    before = bench.build(*names, anew=False)
    again = bench.build(*names, anew=True)
    differ = [name for name in names if (again[name].layers, again[name].id) != (before[name].layers, before[name].id)]
    assert differ == []


def test_root_and_base_made_anew_are_what_they_were(bench: Bench) -> None:
    anew_as_before(bench, "root", "base")


def test_what_packages_and_projects_generate_is_the_same_twice(bench: Bench) -> None:
    anew_as_before(bench, "keystone", "rabbitmq", "horizon")


def test_stored_schemas_and_the_guests_disk_are_the_same_twice(bench: Bench) -> None:
    assert len(bench.stored) >= 7
    anew_as_before(bench, *bench.stored, "mastic-guest", "guest-upload")


def test_what_was_built_verifies_and_something_else_under_its_tag_does_not(bench: Bench) -> None:
    facts = bench.build("top", anew=True)
    records, key = Records(bench.logs / "records"), public_key(key_path())
    private_key(key_path())
    reference = bench.graph.references["top"]
    assert check_images(bench.graph, ("top",), {reference: facts["top"]}, records, key) == []
    bench.engine.ask("image", "tag", bench.graph.references["base"], reference)
    other = bench.engine.facts()[reference]
    assert check_images(bench.graph, ("top",), {reference: other}, records, key)
    assert check_images(bench.graph, ("top",), {reference: replace(facts["top"], layers=())}, records, key)
