"""An image's inventory → CycloneDX bill of materials; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.parser import HeaderParser
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from mastic.build.graph import BUILDER, ImageNode
from mastic.build.lock import normalise

Component = dict[str, Any]


def bill_of_materials(node: ImageNode, inventory: Mapping[str, Any], suite: str, epoch: int) -> str:
    """CycloneDX 1.5 as canonical text: Debian packages and Python distributions, sorted."""
    components = [*debian_components(inventory["status"], suite), *python_components(inventory["metadata"])]
    name, _, tag = node.reference.rpartition(":")
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, node.reference)}",
        "version": 1,
        "metadata": {
            "timestamp": timestamp(epoch),
            "tools": {"components": [{"type": "application", "name": BUILDER}]},
            "component": {"type": "container", "name": name, "version": tag, "bom-ref": node.reference},
        },
        "components": sorted(components, key=lambda component: str(component["purl"])),
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def timestamp(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def debian_components(status: str, suite: str) -> list[Component]:
    """Installed packages of dpkg's status file."""
    found = []
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"(?m)^([A-Za-z-]+): (.*)$", paragraph))
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            architecture = fields.get("Architecture", "all")
            purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}&distro=debian-{suite}"
            found.append(component(name, version, purl))
    return found


def python_components(heads: Iterable[str]) -> list[Component]:
    """Distributions by the heads of their metadata; one found twice counts once."""
    found: dict[str, Component] = {}
    for text in heads:
        fields = HeaderParser().parsestr(text)
        name, version = fields["Name"], fields["Version"]
        if name and version:
            purl = f"pkg:pypi/{normalise(name)}@{quote(version)}"
            found.setdefault(purl, component(name, version, purl) | license_of(fields["License-Expression"]))
    return list(found.values())


def component(name: str, version: str, purl: str) -> Component:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def license_of(expression: str | None) -> Component:
    return {"licenses": [{"expression": expression}]} if expression else {}
