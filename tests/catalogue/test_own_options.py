"""Our own templates against the options that the built images declare: no line that no program reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mastic.build.graph import ImageGraph, image_graph
from mastic.cli.options import shipped_catalogue
from mastic.errors import Place
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from mastic.model.desired import ConfigFile, Desired
from mastic.model.observed import HostFacts
from mastic.model.overrides import Layer, Said
from mastic.option_gate import option_gate
from mastic.resolve.desired import resolve
from mastic.resolve.ini import Dialect, by_key, parse_ini
from mastic.resolve.option_check import images_to_ask
from tests.build.standing import LAPTOP, standing

OSLO = Dialect(oslo=True)
LEFT_OUT = ("heat", "cinder")


def as_override(workload: str, file: ConfigFile) -> ConfigFile:
    """The file as if an operator had written every line of it."""

    def place(line: int) -> Place:
        return Place(f"{workload}:{file.name}", line)

    options = by_key(parse_ini(file.content, OSLO, place), OSLO) if file.options_of else {}
    said = tuple(
        Said(
            lines[0].section, str(lines[0].option), tuple(e.value for e in lines), tuple(place(e.number) for e in lines)
        )
        for lines in options.values()
    )
    return replace(file, layers=(Layer("service", place(1), said),)) if said else file


def larger_laptop() -> tuple[Desired, ImageGraph]:
    """The example with the services that it leaves out."""
    catalogue, cloud_file = load_catalogue(shipped_catalogue()), load_cloud(LAPTOP)
    services = (*cloud_file.cloud.services, *LEFT_OUT)
    cloud_file = replace(cloud_file, cloud=cloud_file.cloud.model_copy(update={"services": services}))
    facts = HostFacts(cpus=2, memory_bytes=8 << 30, disk_free_bytes=50 << 30, addresses=("127.0.0.1",))
    graph = image_graph(catalogue, cloud_file)
    facts_of = {host: facts for host in cloud_file.cloud.hosts}
    return resolve(catalogue, cloud_file, facts_of, graph.references, {}), graph


@pytest.mark.engine
def test_every_line_of_our_files_is_read_by_its_program(tmp_path: Path) -> None:
    desired, graph = larger_laptop()
    workloads = [
        replace(workload, files=tuple(as_override(workload.name, file) for file in workload.files))
        for workload in desired.workloads
    ]
    desired = replace(desired, workloads=tuple(workloads))
    asked = images_to_ask(desired)
    standing(*(name for name, reference in graph.references.items() if reference in asked), graph=graph)
    gate = option_gate(load_catalogue(shipped_catalogue()), desired, tmp_path)
    findings = gate.findings()
    assert [str(problem) for problem in findings.errors] == []
    assert sum(len(knowledge.declared.sections) for knowledge in gate.known.values()) > 100
