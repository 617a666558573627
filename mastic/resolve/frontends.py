"""Workloads reached through the load balancer → their ports, URLs and backends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mastic.errors import InputError, Problem
from mastic.model.service import Frontend
from mastic.resolve.ground import Ground
from mastic.resolve.hosts import api_address, home, hosts_of_workload
from mastic.resolve.render import is_wanted, render_value
from mastic.resolve.scope import Scope

SHIFT = 10000
"""A workload behind the load balancer listens on the frontend's port plus this."""
SLOTS = {"a": SHIFT, "b": 2 * SHIFT}
"""Of a workload that is replaced beside itself: the second is the new one's while the first still serves."""
CAPABILITY = "frontend"
"""What the load balancer provides; a workload with a `frontend` requires it without saying so."""


def placed_on(ground: Ground, service: str, workload: str) -> tuple[str, ...]:
    """Hosts that run a workload; raises InputError when its group or `if` is wrong."""
    return ground.once((service, "workloads", workload, "place"), lambda: _placed_on(ground, service, workload))


def is_placed(ground: Ground, service: str) -> bool:
    """Whether any workload of a service runs anywhere."""
    workloads = ground.folder(service).service.workloads
    return not workloads or any(placed_on(ground, service, name) for name in workloads)


def frontends_of(ground: Ground, service: str) -> Scope:
    """A service's own frontends by workload."""
    workloads = ground.folder(service).service.workloads
    later: dict[str, Callable[[], Any]] = {
        name: partial(frontend_of, ground, service, name)
        for name, workload in workloads.items()
        if workload.frontend is not None
    }
    return Scope("frontends", {}, later)


def all_frontends(ground: Ground) -> list[Scope]:
    """Every frontend of the cloud, sorted by service and workload."""
    found = [
        frontend_of(ground, service, name)
        for service in sorted(ground.services)
        for name in sorted(frontends_of(ground, service))
        if placed_on(ground, service, name)
    ]
    return found


def shifts(ground: Ground, service: str, workload: str) -> dict[str, int]:
    """Slot → what is added to the frontend's port; a workload that is stopped first has a single slot without name."""
    balancer = ground.providers.get(CAPABILITY)
    declared = ground.folder(service).service.workloads[workload]
    if balancer is None or declared.replace != "beside":
        return {"": SHIFT}
    bind = ground.folder(balancer).service.provides[CAPABILITY].bind
    return SLOTS if bind and declared.frontend else {"": SHIFT}


def slots_of(ground: Ground, service: str, workload: str) -> dict[str, int]:
    """Slot → port of a workload that is replaced beside itself; empty for any other."""
    named = {slot: shift for slot, shift in shifts(ground, service, workload).items() if slot}
    return {slot: frontend_of(ground, service, workload)["port"] + shift for slot, shift in named.items()}


def has_frontend(ground: Ground, service: str) -> bool:
    """Whether any workload of the service is reached through the load balancer."""
    return any(workload.frontend for workload in ground.folder(service).service.workloads.values())


def frontend_of(ground: Ground, service: str, workload: str) -> Scope:
    """One frontend: where users reach it, and the processes behind it; raises InputError."""
    return ground.once((service, "frontends", workload), lambda: _frontend(ground, service, workload))


def socket_address(address: str, port: int | str) -> str:
    """`address:port`, with brackets around an IPv6 address."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _placed_on(ground: Ground, service: str, workload: str) -> tuple[str, ...]:
    declared = ground.folder(service).service.workloads[workload]
    place = ground.folder(service).place("workloads", workload, "if")
    hosts = hosts_of_workload(ground, service, workload)
    if declared.if_ is None:
        return tuple(hosts)
    contexts = {host: ground.context(service, host) for host in hosts}
    return tuple(host for host in hosts if is_wanted(declared.if_, contexts[host], place))


def _frontend(ground: Ground, service: str, workload: str) -> Scope:
    declared = ground.folder(service).service.workloads[workload].frontend
    if declared is None:
        raise ValueError(f"{workload} has no frontend")
    port = _port(ground, service, workload, declared)
    backends = [
        _backend(ground, host, slot, port + shift)
        for host in placed_on(ground, service, workload)
        for slot, shift in shifts(ground, service, workload).items()
    ]
    values = {
        "service": service,
        "workload": workload,
        "port": port,
        "url": f"https://{socket_address(_offered_at(ground, declared), port)}{declared.path}",
        "path": declared.path,
        "check": declared.check,
        "internal_only": declared.internal_only,
        "tunnel_seconds": declared.tunnel_seconds,
        "backends": backends,
    }
    return Scope(f"frontends.{workload}", values)


def _backend(ground: Ground, host: str, slot: str, port: int) -> Scope:
    name = f"{host}-{slot}" if slot else host
    address = ground.cloud.hosts[host].address
    return Scope("backend", {"name": name, "host": host, "address": address, "port": port, "slot": slot})


def _offered_at(ground: Ground, declared: Frontend) -> str:
    """Where the load balancer offers it: internal ones on its own host's address, which is not the public one."""
    balancer = ground.providers.get(CAPABILITY)
    if declared.internal_only and balancer is not None:
        return ground.cloud.hosts[home(ground, balancer)].address
    return api_address(ground)


def _port(ground: Ground, service: str, workload: str, declared: Frontend) -> int:
    place = ground.folder(service).place("workloads", workload, "frontend", "port")
    context = ground.context(service, home(ground, service))
    said = render_value(ground.environment(service), declared.port, context, place)
    text = str(said).strip()
    if not text.isdigit() or not 0 < int(text) <= 65535:
        raise InputError(Problem(f"the frontend of `{workload}` needs a port number; it is `{text}`", place))
    shift = max(shifts(ground, service, workload).values())
    if int(text) + shift > 65535:
        message = (
            f"port {text} of `{workload}` is too high: its process listens on the port plus {shift}, "
            f"which would be {int(text) + shift}"
        )
        raise InputError(Problem(message, place, f"choose a port up to {65535 - shift}"))
    return int(text)
