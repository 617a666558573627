"""Images go to a real registry and come back: under their tag and the release's, from a mirror, never another one."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from mastic.agent.docker import Docker
from mastic.build.builder import How, build_images
from mastic.build.engine import Engine, find_engine
from mastic.build.graph import ImageGraph, ImageNode
from mastic.build.records import Records
from mastic.build.remote import Offer, Pushing, Remote, offers, push_images
from mastic.build.signing import KEY_VARIABLE, key_path, make_key, public_key
from mastic.errors import BuildError
from mastic.execute.feed import ImageFeed, ImageNotice
from mastic.model.run import Event
from tests.registry.agent_pull import pulled
from tests.registry.debian_registry import running

pytestmark = pytest.mark.engine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Desk:
    """A registry, and one small signed image in the engine."""

    engine: Engine
    address: str
    reference: str
    id: str
    folder: Path

    @property
    def records(self) -> Records:
        return Records(self.folder / "records")

    def push(self, remote: Remote | None = None) -> tuple[str, ...]:
        to = remote or Remote(self.address)
        return push_images(Pushing(self.engine, to, "2026.2", self.records, lambda event: None), [self.reference])

    def lost(self) -> Records:
        """As on another machine: neither image nor record."""
        self.engine.forget(self.reference)
        assert self.reference not in self.engine.images()
        return Records(self.folder / "elsewhere" / uuid4().hex)

    def offered(self, remote: Remote, key: Path | None = None) -> dict[str, Offer]:
        return offers(self.engine, remote, [self.reference], self.lost(), public_key(key or key_path()))


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registry")


@pytest.fixture
def desk(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "key.pem"))
    reference = f"mastic/test-pushed:{uuid4().hex[:16]}"
    node = ImageNode("pushed", "test", reference, None, (), "FROM scratch\nCOPY text /text\n", {"text": b"carried"})
    with running(programs, free_port()) as address:
        engine = find_engine()
        how = How(records=tmp_path / "records")
        graph = ImageGraph({"pushed": node, **root()})
        build_images(graph, ("pushed",), ImageFeed(), lambda event: None, tmp_path / "logs", how)
        try:
            yield Desk(engine, f"{address}/lab", reference, engine.inspect(reference)["Id"], tmp_path)
        finally:
            engine.forget(reference)


def root() -> dict[str, ImageNode]:
    """A root that nothing needs: the builder asks it for the distribution."""
    from mastic.build.graph import image_graph
    from tests.build.small import catalogue, cloud_file

    return {"root": image_graph(catalogue(), cloud_file()).nodes["root"]}


def test_an_image_comes_back_as_it_went(desk: Desk) -> None:
    assert desk.push() == (f"{desk.address}/{desk.reference.partition('/')[2]}",)
    found = desk.offered(Remote(desk.address))
    assert {reference: offer.id for reference, offer in found.items()} == {desk.reference: desk.id}
    said = pulled(Docker(), desk.reference, found[desk.reference].id, found[desk.reference].origins)
    assert said.startswith("from 127.0.0.1:")
    assert desk.engine.inspect(desk.reference)["Id"] == desk.id


def test_every_image_has_the_tag_of_its_release_and_nothing_stays_in_the_engine(desk: Desk) -> None:
    desk.push()
    tagged = f"{desk.address}/test-pushed:2026.2"
    listed = desk.engine.ask("image", "ls", "--format", "{{.Repository}}")
    assert desk.address not in listed
    subprocess.run(desk.engine.command("pull", "--quiet", tagged), check=True, capture_output=True)
    assert desk.engine.inspect(tagged)["Id"] == desk.id
    desk.engine.forget(tagged)


def test_a_mirror_is_asked_first_and_a_dead_one_is_passed_over(desk: Desk, programs: Path) -> None:
    with running(programs, free_port()) as second:
        mirror = f"{second}/copy"
        desk.push()
        desk.push(Remote(mirror))
        remote = Remote(desk.address, (f"127.0.0.1:{free_port()}/dead", mirror))
        offer = desk.offered(remote)[desk.reference]
        assert pulled(Docker(), desk.reference, offer.id, offer.origins).startswith(f"from {mirror}/")


def test_another_image_under_the_same_tag_is_refused(desk: Desk) -> None:
    desk.push()
    offer = desk.offered(Remote(desk.address))[desk.reference]
    there = offer.origins[0]
    with pytest.raises(AssertionError, match="another image"):
        pulled(Docker(), desk.reference, "sha256:" + "0" * 64, offer.origins)
    assert desk.reference not in desk.engine.images()
    assert there not in desk.engine.ask("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")


def test_what_somebody_else_signed_is_not_offered(desk: Desk) -> None:
    desk.push()
    make_key(desk.folder / "other.pem")
    assert desk.offered(Remote(desk.address), desk.folder / "other.pub") == {}


def test_what_the_registry_does_not_have_is_not_offered(desk: Desk) -> None:
    assert desk.offered(Remote(desk.address)) == {}


def test_an_unreachable_registry_is_told(desk: Desk) -> None:
    with pytest.raises(BuildError) as caught:
        desk.push(Remote(f"127.0.0.1:{free_port()}/none"))
    assert "refused" in str(caught.value) and "hint:" in str(caught.value)


def test_an_image_without_record_is_not_pushed(desk: Desk) -> None:
    desk.records.envelope(desk.reference).unlink()
    events: list[Event] = []
    with pytest.raises(BuildError, match="no signed record"):
        push_images(Pushing(desk.engine, Remote(desk.address), "1", desk.records, events.append), [desk.reference])
    assert events[-1].state == "failed"


def test_hosts_hear_where_to_pull_from() -> None:
    feed, heard = ImageFeed(), list[ImageNotice]()
    feed.offered("mastic/a:1", "sha256:1", ("x/a:1",))
    feed.subscribe(heard.append)
    assert [(notice.state, notice.id, notice.origins) for notice in heard] == [("ready", "sha256:1", ("x/a:1",))]
