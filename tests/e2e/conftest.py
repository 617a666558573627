"""Fixtures of the end-to-end scenarios: the cloud comes up once, and goes away at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from benchmarks.timeline import gantt, phases, spans
from tests.e2e.engine import container_logs, containers, docker
from tests.e2e.lab import EXAMPLE, Finished, Lab, run, shared_mounts

ARTIFACTS = Path(os.environ.get("E2E_ARTIFACTS", Path(tempfile.gettempdir()) / "mastic-e2e"))
KEEP = bool(os.environ.get("E2E_KEEP"))
AS_IT_IS = bool(os.environ.get("E2E_AS_IT_IS"))
HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip unless asked for with `-m cloud`, in the order of the files' numbers."""
    if "cloud" in (config.option.markexpr or ""):
        return
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="needs a real cloud: run with -m cloud"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep logs of all containers when a scenario fails."""
    report = yield
    if report.failed and HERE in item.path.parents:
        keep_logs(ARTIFACTS / f"failed-{item.name}".replace("/", "_"))
    return report


def keep_logs(folder: Path) -> None:
    """Write what runs, and every container's log, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ps.txt").write_text(run(["docker", "ps", "--all"]).out, encoding="utf-8")
    (folder / "links.txt").write_text(run(["ip", "address"]).out, encoding="utf-8")
    for name in docker("ps", "--all", "--filter", "label=mastic.cloud", "--format", "{{.Names}}").split():
        (folder / f"{name}.log").write_text(container_logs(name), encoding="utf-8")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A copy of the example's definition; nothing runs yet."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(EXAMPLE, folder / "cloud.yml")
    return Lab(folder, ARTIFACTS)


@pytest.fixture(scope="session")
def mounts_before() -> frozenset[str]:
    """What was mounted before the cloud; other software may have mounted there (`ip netns add` does)."""
    return shared_mounts()


@pytest.fixture(scope="session")
def first_apply(lab: Lab, mounts_before: frozenset[str]) -> Iterator[Finished]:
    """The cloud stands; what the `mastic apply` that made it said. Removed at the end of the session."""
    finished = lab.mastic("apply", "--yes", "--json")
    events = finished.events
    print(f"\nmastic apply: {finished.seconds:.1f} s\n{phases(events)}\n{gantt(spans(events), at_least=1)}")
    finished.succeeded()
    yield finished
    if not KEEP and containers(lab.name):
        lab.mastic("destroy", "--yes", "--allow", "data-loss").succeeded()


@pytest.fixture(scope="session")
def cloud(lab: Lab, request: pytest.FixtureRequest) -> Lab:
    """The running cloud."""
    if not AS_IT_IS:
        request.getfixturevalue("first_apply")
    return lab


@pytest.fixture
def definition(cloud: Lab) -> Iterator[Lab]:
    """The running cloud, with a `cloud.yml` the test may change; the file is put back, the cloud is not."""
    before = cloud.cloud.read_text(encoding="utf-8")
    yield cloud
    cloud.cloud.write_text(before, encoding="utf-8")
