"""Cloud → a virtual machine that answers a ping on its floating IP, and nothing of it left afterwards."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

from mastic.errors import MasticError, Place, Problem, VerifyError
from mastic.verify.api import expected_errors
from mastic.verify.icmp import answers_ping
from mastic.verify.keypair import KeyPair, generate_keypair
from mastic.verify.leftovers import PREFIX, remove_guests
from mastic.verify.wait import wait_until

if TYPE_CHECKING:
    from openstack.connection import Connection

OPEN_PORTS = (22, 80)
PING_SECONDS = 0.2
STATUS_SECONDS = 1.0
Tell = Callable[[str], None]
"""Takes one line of progress."""


@dataclass(frozen=True)
class GuestRequest:
    """What to boot; names are those a user of the cloud would type."""

    name: str = f"{PREFIX}guest"
    """Also the name of its port, security group and key pair."""
    image: str = "mastic-guest"
    flavor: str = "m1.tiny"
    network: str = "private"
    external: str = "public"
    user_data: str = ""
    host: str = ""
    """Compute host it has to run on, which only the administrator may say; empty lets the scheduler choose."""
    seconds: int = 240
    """How long it may take to answer."""


@dataclass(frozen=True)
class Guest:
    """A virtual machine that answered a ping."""

    name: str
    id: str
    port: str
    address: str
    """Its floating IP."""
    key: KeyPair = field(repr=False)
    active_seconds: float
    """From the first request to ACTIVE."""
    ping_seconds: float
    """From the first request to the first answered ping."""


@dataclass(frozen=True)
class Parts:
    """What a guest is made of, found or made before it."""

    image: str
    flavor: str
    external: str
    group: str
    port: str
    key: KeyPair = field(repr=False)


@dataclass(frozen=True)
class Watched:
    """A server from which an answer is awaited."""

    cloud: Connection
    server: str
    address: str
    began: float
    tell: Tell

    def seconds(self) -> float:
        """Since the first request for it."""
        return monotonic() - self.began


def prove_guest(cloud: Connection, tell: Tell, request: GuestRequest | None = None) -> Guest:
    """Boot a guest, wait for its ping and remove it again; what an earlier proof left behind goes first.

    Raises VerifyError with what went wrong, and with what could not be removed.
    """
    remove_guests(cloud)
    try:
        guest = boot_guest(cloud, request or GuestRequest(), tell)
    except expected_errors() as error:
        raise VerifyError([*problems_of(error), *removal_problems(cloud)]) from error
    remove_guests(cloud)
    tell("removed")
    return guest


def problems_of(error: Exception) -> tuple[Problem, ...]:
    """What an error says, as problems."""
    if isinstance(error, MasticError):
        return error.problems
    return (Problem(f"the guest could not be booted: {error}", Place("guest"), "`mastic status` shows what runs"),)


def removal_problems(cloud: Connection) -> list[Problem]:
    """Remove guests after a failure; says what stays instead of hiding the failure."""
    try:
        remove_guests(cloud)
    except expected_errors() as error:
        return [Problem(f"and it could not be removed: {error}", Place("guest"), "`mastic verify` removes it first")]
    return []


def boot_guest(cloud: Connection, request: GuestRequest, tell: Tell) -> Guest:
    """Boot a guest and wait for its ping; what does not depend on each other is asked for at the same time.

    Raises VerifyError with the fault and the end of its console; the caller cleans up with `remove_guests`.
    """
    began = monotonic()
    with ThreadPoolExecutor(5, thread_name_prefix="guest") as pool:
        parts = prepare(cloud, request, pool)
        rules = pool.submit(open_ports, cloud, parts.group)
        address = pool.submit(create_address, cloud, request, parts)
        server = create_server(cloud, request, parts)
        tell(f"accepted after {monotonic() - began:.1f} s")
        rules.result()
        watched = Watched(cloud, server, address.result(), began, tell)
    active, ping = watch(watched, request.seconds)
    return Guest(request.name, server, parts.port, watched.address, parts.key, active, ping)


def prepare(cloud: Connection, request: GuestRequest, pool: ThreadPoolExecutor) -> Parts:
    """Find what the cloud has, and make key pair, security group and port."""
    image = pool.submit(cloud.image.find_image, request.image, ignore_missing=False)
    flavor = pool.submit(cloud.compute.find_flavor, request.flavor, ignore_missing=False)
    external = pool.submit(cloud.network.find_network, request.external, ignore_missing=False)
    private = pool.submit(cloud.network.find_network, request.network, ignore_missing=False)
    key = generate_keypair()
    stored = pool.submit(cloud.compute.create_keypair, name=request.name, type="ssh", public_key=key.public)
    group = cloud.network.create_security_group(name=request.name, description="made by mastic's verification")
    port = cloud.network.create_port(
        name=request.name, network_id=private.result().id, security_group_ids=[group.id], admin_state_up=True
    )
    stored.result()
    return Parts(image.result().id, flavor.result().id, external.result().id, group.id, port.id, key)


def open_ports(cloud: Connection, group: str) -> None:
    """Let pings and TCP to the usual ports in."""
    common = {"security_group_id": group, "direction": "ingress", "ethertype": "IPv4"}
    tcp = [{**common, "protocol": "tcp", "port_range_min": port, "port_range_max": port} for port in OPEN_PORTS]
    list(cloud.network.create_security_group_rules([{**common, "protocol": "icmp"}, *tcp]))


def create_address(cloud: Connection, request: GuestRequest, parts: Parts) -> str:
    """Make a floating IP for the port and return the address."""
    made = cloud.network.create_ip(floating_network_id=parts.external, port_id=parts.port, description=request.name)
    return str(made.floating_ip_address)


def create_server(cloud: Connection, request: GuestRequest, parts: Parts) -> str:
    """Ask for the server and return its id."""
    wanted: dict[str, Any] = {
        "name": request.name,
        "image_id": parts.image,
        "flavor_id": parts.flavor,
        "networks": [{"port": parts.port}],
        "key_name": request.name,
    }
    if request.user_data:
        wanted["user_data"] = b64encode(request.user_data.encode()).decode()
    if request.host:
        wanted["availability_zone"] = f"nova:{request.host}"
    return str(cloud.compute.create_server(**wanted).id)


def watch(guest: Watched, seconds: float) -> tuple[float, float]:
    """Wait until the guest answers a ping; returns the seconds to ACTIVE and to the answer.

    An ERROR ends it at once with nova's own words. A ping costs nothing; nova asks other services at every look at a
    server, so it is asked seldom.
    """
    active: list[float] = []
    next_look = monotonic()

    def look() -> bool | None:
        nonlocal next_look
        if answers_ping(guest.address, PING_SECONDS):
            return True
        if not active and monotonic() >= next_look:
            next_look = monotonic() + STATUS_SECONDS
            active.extend(active_after(guest))
        return None

    try:
        wait_until(f"a ping from `{guest.address}`", look, seconds, every=PING_SECONDS)
    except TimeoutError as late:
        state = f"ACTIVE after {active[0]:.1f} s" if active else "never ACTIVE"
        raise failed_guest(guest.cloud, guest.server, f"{late}; the guest was {state}") from late
    ping = guest.seconds()
    guest.tell(f"answers a ping at {guest.address} after {ping:.1f} s")
    return (active or [ping])[0], ping


def active_after(guest: Watched) -> list[float]:
    """Seconds until now when nova says ACTIVE, else nothing; raises VerifyError when it says ERROR."""
    seen = guest.cloud.compute.get_server(guest.server)
    if seen.status == "ERROR":
        raise failed_guest(guest.cloud, guest.server, f"guest `{seen.name}` went to ERROR: {fault_of(seen)}")
    if seen.status != "ACTIVE":
        return []
    guest.tell(f"ACTIVE after {guest.seconds():.1f} s")
    return [guest.seconds()]


def failed_guest(cloud: Connection, server: str, message: str) -> VerifyError:
    """The error to raise, with what nova noted about it and the last lines of the guest's console."""
    told = [*action_errors(cloud, server), *console_lines(cloud, server)[-12:]]
    lines = "".join(f"\n    | {line}" for line in told)
    return VerifyError(
        Problem(
            f"{message}{lines}",
            Place(f"server {server}"),
            "`mastic status` tells which containers are unwell; `mastic logs` of the compute and network services why",
        )
    )


def action_errors(cloud: Connection, server: str) -> list[str]:
    """Last line of every error that nova noted while it worked on a server: the reason behind a general fault."""
    from openstack.exceptions import HttpException

    try:
        actions = [
            cloud.compute.get_server_action(action.request_id, server)
            for action in cloud.compute.server_actions(server)
        ]
    except HttpException:
        return []
    notes = [event.get("traceback") or event.get("details") for action in actions for event in action.events or ()]
    return [note.strip().splitlines()[-1] for note in notes if note and note.strip()]


def console_lines(cloud: Connection, server: str) -> list[str]:
    """What the guest printed on its serial console so far; empty before it is scheduled."""
    from openstack.exceptions import HttpException

    try:
        answer = cloud.compute.get_server_console_output(server)
    except HttpException:  # 404 or 409 until the server runs on a host
        return []
    return [line for line in str(answer.get("output") or "").splitlines() if line.strip()]


def fault_of(server: Any) -> str:
    """Nova's reason for an ERROR."""
    return str((server.fault or {}).get("message") or "nova gives no reason")
