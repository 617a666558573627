"""Every case of this folder runs in a fake world and, marked `engine`, in a real one: here.

The cases of `test_executor` run on another host as well. There the same agent does the same work, so the other files'
cases, about what it does, would say nothing new about the way to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mastic.execute.remote.executor import AnsibleExecutor
from mastic.execute.remote.reach import Reach
from mastic.model.goal import Goal
from tests.contract.executor.clouds import cloud
from tests.contract.executor.world import CLOUD, HOST, IMAGES, World, fake_world, real_world, remote_world
from tests.hosts import lab
from tests.hosts.host import Host
from tests.hosts.root import engine_root

LOCAL = pytest.param("local", marks=pytest.mark.engine)
ANSIBLE = pytest.param("ansible", marks=pytest.mark.engine)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The worlds of a case."""
    if "world" in metafunc.fixturenames:
        far = [ANSIBLE] if metafunc.module.__name__.endswith(".test_executor") else []
        metafunc.parametrize("world", ["fake", LOCAL, *far], indirect=True)


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "fake":
        yield fake_world()
        return
    if request.param == "local":
        world = real_world(tmp_path)
    else:
        world = remote_world(request.getfixturevalue("far_host"), request.getfixturevalue("far_executor"))
    yield world
    world.apply(cloud(), Goal(destroy=True, allow_data_loss=True))
    world.executor.cleanup(HOST)
    assert world.machine
    world.machine.docker("rmi", IMAGES[1])
    assert not world.machine.path(f"/etc/mastic/clouds/{CLOUD}").exists()


@pytest.fixture(scope="session")
def far_host() -> Iterator[Host]:
    """A machine of its own, of the release that mastic's images are made of."""
    with lab.running(lab.Wanted({HOST: engine_root("trixie")})) as made:
        yield made[HOST]


@pytest.fixture(scope="session")
def far_executor(far_host: Host, tmp_path_factory: pytest.TempPathFactory) -> AnsibleExecutor:
    """Reaches it as an operator's inventory would say."""
    return AnsibleExecutor(CLOUD, tmp_path_factory.mktemp("state"), Reach({HOST: lab.variables(far_host)}))
