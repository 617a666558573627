"""Cases as data: bad input and what is told about it; services' settings and what their files then hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mastic.cli.options import shipped_catalogue
from mastic.lint.cases import Example, check_case
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from mastic.load.strict import read_yaml
from mastic.model.observed import HostFacts
from tests.cases.runner import problems_of, told

BAD = Path(__file__).parent / "cases" / "bad"
LAPTOP = Path(__file__).parent.parent / "examples" / "laptop" / "cloud.yml"
FACTS = HostFacts(cpus=2, memory_bytes=8 << 30, disk_free_bytes=50 << 30, addresses=("127.0.0.1",), python="3.13")


def bad_cases() -> list[Any]:
    """Every case of every file, named `file: what is wrong`."""
    return [
        pytest.param(case, id=f"{path.stem}: {case['wrong']}")
        for path in sorted(BAD.glob("*.yml"))
        for case in read_yaml(path).data
    ]


def service_cases() -> list[Any]:
    """Every case of every service of the shipped catalogue."""
    return [
        pytest.param(path, id=f"{path.parent.parent.name}: {path.stem}")
        for path in sorted(shipped_catalogue().glob("*/cases/*.yml"))
    ]


@pytest.fixture(scope="module")
def laptop() -> Example:
    catalogue, cloud_file = load_catalogue(shipped_catalogue()), load_cloud(LAPTOP)
    return Example(catalogue, cloud_file, {host: FACTS for host in cloud_file.cloud.hosts})


@pytest.mark.parametrize("case", bad_cases())
def test_bad_input_is_told(case: dict[str, Any], tmp_path: Path) -> None:
    assert [told(problem, tmp_path) for problem in problems_of(case, tmp_path)] == case["told"]


def test_there_are_many_bad_cases() -> None:
    assert len(bad_cases()) >= 40


def test_the_small_cloud_itself_is_right(tmp_path: Path) -> None:
    assert problems_of({"facts": {}}, tmp_path) == []


@pytest.mark.parametrize("path", service_cases())
def test_a_service_renders_what_its_case_says(path: Path, laptop: Example) -> None:
    service = path.parent.parent.name
    assert [str(problem) for problem in check_case(path, service, with_service(laptop, service))] == []


def with_service(example: Example, service: str) -> Example:
    """The example, which leaves some services out, with this one."""
    cloud = example.cloud_file.cloud
    services = tuple(dict.fromkeys((*cloud.services, service)))
    return replace(
        example, cloud_file=replace(example.cloud_file, cloud=cloud.model_copy(update={"services": services}))
    )
