"""Every case of this folder runs in a fake world and, marked `engine`, in a real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mastic.model.goal import Goal
from tests.contract.executor.clouds import cloud
from tests.contract.executor.world import CLOUD, HOST, IMAGES, World, docker, fake_world, real_world


@pytest.fixture(params=["fake", pytest.param("local", marks=pytest.mark.engine)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "fake":
        yield fake_world()
        return
    world = real_world(tmp_path)
    yield world
    world.apply(cloud(), Goal(destroy=True, allow_data_loss=True))
    world.executor.cleanup(HOST)
    docker("rmi", IMAGES[1])
    assert not Path(f"/etc/mastic/clouds/{CLOUD}").exists()
