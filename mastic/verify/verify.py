"""Deployed cloud → proof: workloads are well, declared checks pass, every API answers, a guest answers a ping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING, Protocol

from mastic.errors import Problem, VerifyError
from mastic.model.desired import Desired, PlacedCheck
from mastic.model.observed import Observed
from mastic.model.run import Event
from mastic.verify.declared import CommandRunner, run_check
from mastic.verify.probe import Listener, Outcome, Probe, run_probes
from mastic.verify.workloads import workload_problems

if TYPE_CHECKING:
    from mastic.verify.boot import Guest


class Inspector(CommandRunner, Protocol):
    """The part of an executor that verification needs."""

    def observe(self, hosts: tuple[str, ...]) -> Observed:
        """Read the hosts, without effect."""


@dataclass(frozen=True)
class VerifySummary:
    """What was proved, in the order it was asked."""

    checks: tuple[Outcome, ...]
    seconds: float
    guest: Guest | None = None
    """The virtual machine that answered; it is gone by now."""


def verify(desired: Desired, state_folder: Path, executor: Inspector, report: Listener, boot: bool) -> VerifySummary:
    """Prove that the cloud serves; the guest boots while the other checks run.

    `state_folder` holds `clouds.yaml` and `ca.pem`. Raises VerifyError with everything that failed.
    """
    began = monotonic()
    guests: list[Guest] = []
    alive = run_probes([workloads_probe(desired, executor)], report)
    well = not alive[0].problems
    probes = [guest_probe(state_folder, report, guests)] if boot and well else []
    if boot and not well:
        report.event(Event("check", "guest", "skipped", message="needs every workload well", at=time()))
    probes += cloud_probes(desired, state_folder, executor)
    checks = (*alive, *run_probes(probes, report))
    raise_problems(checks)
    return VerifySummary(checks, monotonic() - began, guests[0] if guests else None)


def raise_problems(checks: Sequence[Outcome]) -> None:
    """Raise VerifyError with every problem of every check, when there is one."""
    problems: list[Problem] = [problem for check in checks for problem in check.problems]
    if problems:
        raise VerifyError(problems)


def workloads_probe(desired: Desired, executor: Inspector) -> Probe:
    """Every workload runs and is healthy."""

    def run() -> str:
        problems = workload_problems(desired, executor.observe(desired.hosts))
        if problems:
            raise VerifyError(problems)
        return f"{len(desired.workloads)} workloads run"

    return Probe("workloads", run)


def cloud_probes(desired: Desired, state: Path, executor: Inspector) -> list[Probe]:
    """The catalogue's endpoints, then every declared check."""
    from mastic.verify.api import expected_errors

    endpoints = Probe("endpoints", lambda: endpoints_of(state), expected_errors)
    return [endpoints, *(declared_probe(check, state, executor) for check in desired.checks)]


def endpoints_of(state: Path) -> str:
    """Ask every endpoint of the catalogue with a fresh token."""
    from mastic.verify.api import check_endpoints, connect

    return check_endpoints(connect(state / "clouds.yaml").session)


def declared_probe(check: PlacedCheck, state: Path, executor: Inspector) -> Probe:
    """One declared check."""
    return Probe(
        f"{check.service}/{check.name}", lambda: run_check(check, executor, state / "ca.pem"), host=check.host or ""
    )


def guest_probe(state: Path, report: Listener, guests: list[Guest]) -> Probe:
    """A virtual machine boots and answers; what is seen of it lands in `guests`."""
    from mastic.verify.api import expected_errors

    def tell(line: str) -> None:
        report.event(Event("check", "guest", "progress", message=line, at=time()))

    def run() -> str:
        # Imported late: the client library costs half a second, which `mastic plan` need not pay.
        from mastic.verify.api import connect
        from mastic.verify.boot import prove_guest

        guest = prove_guest(connect(state / "clouds.yaml"), tell)
        guests.append(guest)
        return f"`{guest.address}` answered a ping {guest.ping_seconds:.1f} s after it was asked for"

    return Probe("guest", run, expected_errors)
