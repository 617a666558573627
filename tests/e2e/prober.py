"""Steady requests through the load balancer, each noted: what users would have seen while something was changed."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from mastic.verify.api import connect

LONGEST = 30.0
"""Seconds after which a request counts as failed."""


@dataclass(frozen=True)
class Probe:
    """One kind of request, sent again and again over one connection, as clients do."""

    name: str
    method: str
    url: str
    every: float
    """Seconds from one request to the next."""
    body: Mapping[str, Any] | None = None
    expect: tuple[int, ...] = (200,)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Noted:
    """One request and what became of it."""

    probe: str
    at: float
    seconds: float
    problem: str
    """Empty when it was answered as it should be."""


class Prober:
    """Sends every probe at its own pace from its own thread while the `with` block runs."""

    def __init__(self, probes: Sequence[Probe], authority: Path) -> None:
        self.probes = probes
        self.noted: list[Noted] = []
        self._context = ssl.create_default_context(cafile=str(authority))
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send_steadily, args=(probe,)) for probe in probes]

    def __enter__(self) -> Prober:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def failures(self) -> list[Noted]:
        return [noted for noted in self.noted if noted.problem]

    def summary(self) -> str:
        """Requests, failures and the slowest, per probe."""
        lines = []
        for probe in self.probes:
            here = [noted for noted in self.noted if noted.probe == probe.name]
            seconds = sorted(noted.seconds for noted in here)
            failed = sum(bool(noted.problem) for noted in here)
            middle, slowest = (seconds[len(seconds) // 2], seconds[-1]) if seconds else (0.0, 0.0)
            lines.append(f"{probe.name:18} {len(here):5} sent {failed:3} failed  {middle:6.3f} s  max {slowest:6.3f} s")
        return "\n".join(lines)

    def rate(self) -> float:
        """Requests per second."""
        moments = [noted.at for noted in self.noted]
        return len(moments) / max(max(moments) - min(moments), 1.0)

    def _send_steadily(self, probe: Probe) -> None:
        parts = urlsplit(probe.url)
        connection = http.client.HTTPSConnection(parts.netloc, timeout=LONGEST, context=self._context)
        due = monotonic()
        while not self._stop.wait(max(0.0, due - monotonic())):
            due = max(due + probe.every, monotonic())
            began = monotonic()
            problem = _send(connection, probe)
            self.noted.append(Noted(probe.name, time(), monotonic() - began, problem))
        connection.close()


def _send(connection: http.client.HTTPSConnection, probe: Probe) -> str:
    parts = urlsplit(probe.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        body = json.dumps(probe.body) if probe.body is not None else None
        connection.request(probe.method, target or "/", body, {"Content-Type": "application/json", **probe.headers})
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return f"{type(error).__name__}: {error}"
    return "" if answer.status in probe.expect else f"{answer.status} {text[:200]!r}"


def probes_of(clouds_yaml: Path) -> list[Probe]:
    """More than 20 requests per second over five APIs, with a token; some that change something."""
    connection = connect(clouds_yaml)
    headers = {"X-Auth-Token": str(connection.session.get_token())}
    config = connection.config.get_auth_args()
    url = {kind: str(connection.session.get_endpoint(service_type=kind)).rstrip("/") for kind in KINDS}
    network, identity = f"{url['network'].removesuffix('/v2.0')}/v2.0", f"{url['identity'].removesuffix('/v3')}/v3"
    said = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": _user(config)}},
            "scope": {"project": {"name": config["project_name"], "domain": {"name": config["project_domain_name"]}}},
        }
    }
    group = {"security_group": {"name": "prober", "description": "made and removed again"}}
    return [
        Probe("identity", "GET", f"{identity}/users", 0.2, headers=headers),
        Probe("identity token", "POST", f"{identity}/auth/tokens", 1.0, said, (201,)),
        Probe("image", "GET", f"{url['image'].removesuffix('/v2')}/v2/images", 0.2, headers=headers),
        Probe("compute", "GET", f"{url['compute']}/servers", 0.2, headers=headers),
        Probe("compute flavors", "GET", f"{url['compute']}/flavors", 0.5, headers=headers),
        Probe("network", "GET", f"{network}/networks", 0.25, headers=headers),
        Probe("network group", "POST", f"{network}/security-groups", 2.0, group, (201, 409), headers),
        Probe("placement", "GET", f"{url['placement']}/resource_providers", 0.2, headers=headers),
    ]


KINDS = ("identity", "image", "compute", "network", "placement")


def _user(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": config["username"],
        "password": config["password"],
        "domain": {"name": config["user_domain_name"]},
    }


def remove_groups(clouds_yaml: Path) -> int:
    """Take away what the prober made; how many it were."""
    connection = connect(clouds_yaml)
    found = [group for group in connection.network.security_groups() if group.name == "prober"]
    for group in found:
        connection.network.delete_security_group(group)
    return len(found)
