"""clouds.yaml → a session with the cloud, and proof that every endpoint of its catalogue answers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from mastic.errors import MasticError, Place, Problem, VerifyError
from mastic.verify.clouds_yaml import CLOUD_NAME
from mastic.verify.wait import wait_until

if TYPE_CHECKING:
    from keystoneauth1.session import Session
    from openstack.connection import Connection

SETTLE_SECONDS = 20
"""How long the load balancer may take to notice that a server behind it serves."""


def connect(clouds_yaml: Path) -> Connection:
    """A connection as a user of the cloud has it; the environment of this process plays no part."""
    from openstack.config import OpenStackConfig
    from openstack.connection import Connection

    config = OpenStackConfig(config_files=[str(clouds_yaml)], load_envvars=False)
    return Connection(config=config.get_one(CLOUD_NAME))


def expected_errors() -> tuple[type[Exception], ...]:
    """What a cloud that does not serve makes verification and the client library raise."""
    from keystoneauth1.exceptions import ClientException
    from openstack.exceptions import SDKException

    return (MasticError, OSError, ClientException, SDKException)


def check_endpoints(session: Session, settle: float = SETTLE_SECONDS) -> str:
    """Get a token and ask every endpoint of the catalogue; raises VerifyError with all that do not answer."""
    urls = dict(endpoints(session))
    with ThreadPoolExecutor(4, thread_name_prefix="endpoints") as pool:
        found = pool.map(lambda item: endpoint_problem(session, item[0], item[1], settle), urls.items())
        silent = [problem for problem in found if problem]
    if silent:
        raise VerifyError(silent)
    return f"{len(urls)} endpoints answer"


def endpoints(session: Session) -> Iterator[tuple[str, str]]:
    """(URL, service name) of every endpoint of the token's catalogue."""
    access = session.auth.get_access(session)  # type: ignore[union-attr]
    for service in access.service_catalog.catalog:
        for endpoint in service["endpoints"]:
            yield str(endpoint["url"]), str(service.get("name") or service["type"])


def endpoint_problem(session: Session, url: str, service: str, settle: float) -> Problem | None:
    """Ask one endpoint until it answers; anything but a server error is an answer."""
    try:
        wait_until(f"`{service}` to answer at `{url}`", lambda: True if answers(session, url) else None, settle)
    except TimeoutError as late:
        return Problem(str(late), Place(url), f"`mastic status {service}` and `mastic logs {service}` tell why")
    return None


def answers(session: Session, url: str) -> bool:
    """True when the endpoint gives an HTTP answer below 500."""
    from keystoneauth1.exceptions import ClientException

    try:
        response = session.get(url, raise_exc=False, connect_retries=0, timeout=10, redirect=False)
    except ClientException:
        return False
    return int(response.status_code) < 500
