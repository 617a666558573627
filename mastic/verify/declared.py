"""Declared checks → what they found: a URL through the load balancer, or a command inside a workload."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Protocol

from mastic.errors import Place, Problem, VerifyError
from mastic.model.desired import PlacedCheck
from mastic.verify.wait import wait_until

SETTLE_SECONDS = 20
"""How long the load balancer may take to notice that a server behind it serves."""
RUN_SECONDS = 60


class CommandRunner(Protocol):
    """The part of an executor that declared checks need."""

    def exec(self, host: str, container: str, command: tuple[str, ...], seconds: float) -> tuple[int, str]:
        """Run a command inside a container; returns exit code and output."""


def run_check(check: PlacedCheck, executor: CommandRunner, authority: Path, settle: float = SETTLE_SECONDS) -> str:
    """Carry out one declared check; returns what to tell, raises VerifyError."""
    if check.http:
        return check_http(check, check.http, authority, settle)
    return check_command(check, executor)


def check_http(check: PlacedCheck, url: str, authority: Path, settle: float) -> str:
    """Ask the URL until it gives a status below 400, for as long as a load balancer may need to settle."""
    tls = ssl.create_default_context(cafile=str(authority)) if url.startswith("https:") else None
    last = "no answer"

    def look() -> str | None:
        nonlocal last
        last = ask(url, tls)
        return last if last.isdigit() and int(last) < 400 else None

    try:
        return f"status {wait_until(f'`{url}`', look, settle)}"
    except TimeoutError as late:
        raise VerifyError(problem(check, f"gave `{last}` for {settle:.0f} s at `{url}`")) from late


def ask(url: str, tls: ssl.SSLContext | None) -> str:
    """The HTTP status, or why there is none; proxies of the environment play no part."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))
    try:
        with opener.open(url, timeout=10) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError as error:
        return str(error)


def check_command(check: PlacedCheck, executor: CommandRunner) -> str:
    """Run the command inside its workload's container."""
    command = ("sh", "-c", check.run or "")
    code, output = executor.exec(check.host or "", check.container or "", command, RUN_SECONDS)
    if code:
        lines = "".join(f"\n    | {line}" for line in output.splitlines()[-12:])
        raise VerifyError(problem(check, f"`{check.run}` exited with {code} in `{check.container}`{lines}"))
    return "exit code 0"


def problem(check: PlacedCheck, why: str) -> Problem:
    """Say which check failed and what it stands for."""
    return Problem(
        f"check `{check.name}` of {check.service} ({check.help}): {why}",
        Place(check.host or check.service),
        f"`mastic logs {check.service}` tells why; `mastic verify` runs the checks again",
    )
