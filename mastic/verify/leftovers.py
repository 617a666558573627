"""Cloud with guests of a verification → cloud without them: servers, addresses, ports, groups and key pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from mastic.verify.wait import wait_until

if TYPE_CHECKING:
    from openstack.connection import Connection

PREFIX = "mastic-verify-"
"""Everything a verification makes is named, or described, with it."""


def remove_guests(cloud: Connection, prefix: str = PREFIX, seconds: float = 60) -> int:
    """Remove every guest whose name starts with `prefix`, with what belongs to it; returns how many things went.

    Raises TimeoutError when a server does not go away.
    """
    kinds: tuple[Callable[[], list[Any]], ...] = (
        lambda: named(cloud.compute.servers(details=False), prefix),
        lambda: [ip for ip in cloud.network.ips() if (ip.description or "").startswith(prefix)],
        lambda: named(cloud.network.ports(), prefix),
        lambda: named(cloud.network.security_groups(), prefix),
        lambda: named(cloud.compute.keypairs(), prefix),
    )
    with ThreadPoolExecutor(len(kinds), thread_name_prefix="leftovers") as pool:
        servers, addresses, ports, groups, keys = pool.map(lambda look: look(), kinds)
        beside = [pool.submit(cloud.network.delete_ip, ip, ignore_missing=True) for ip in addresses]
        beside += [pool.submit(cloud.compute.delete_keypair, key, ignore_missing=True) for key in keys]
        remove_servers(cloud, servers, seconds)
        for future in beside:
            future.result()
    for port in ports:
        cloud.network.delete_port(port, ignore_missing=True)
    for group in groups:
        cloud.network.delete_security_group(group, ignore_missing=True)
    return sum(map(len, (servers, addresses, ports, groups, keys)))


def named(things: Iterable[Any], prefix: str) -> list[Any]:
    """Those whose name starts with `prefix`."""
    return [thing for thing in things if (thing.name or "").startswith(prefix)]


def remove_servers(cloud: Connection, servers: list[Any], seconds: float) -> None:
    """Delete servers and wait until nova has forgotten them, so that their ports are free."""
    for server in servers:
        cloud.compute.delete_server(server, ignore_missing=True)
    for server in servers:
        wait_until(f"server `{server.name}` to be deleted", partial(gone, cloud, server.id), seconds)


def gone(cloud: Connection, server: str) -> bool | None:
    """True when nova knows the server no longer."""
    from openstack.exceptions import NotFoundException

    try:
        cloud.compute.get_server(server)
    except NotFoundException:
        return True
    return None
