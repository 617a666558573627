"""Deployed cloud → proof: workloads are well, declared checks pass, every API answers, a guest answers a ping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
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
    from openstack.connection import Connection

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


@dataclass(frozen=True)
class Proof:
    """What every check of one verification uses."""

    desired: Desired
    state: Path
    executor: Inspector
    report: Listener
    guests: list[Guest] = field(default_factory=list)

    @cached_property
    def cloud(self) -> Connection:
        """One session for all. The client library costs half a second, which `mastic plan` need not pay."""
        from mastic.verify.api import connect

        return connect(self.state / "clouds.yaml")


def verify(desired: Desired, state_folder: Path, executor: Inspector, report: Listener, boot: bool) -> VerifySummary:
    """Prove that the cloud serves; the guest boots while the declared checks run.

    `state_folder` holds `clouds.yaml` and `ca.pem`. Raises VerifyError with everything that failed.
    """
    began = monotonic()
    proof = Proof(desired, state_folder, executor, report)
    first = [workloads_probe(proof), *([endpoints_probe(proof)] if desired.client else [])]
    checks = run_probes(first, report)
    boots = boot and not (why := why_no_guest(desired, checks))
    if boot and why:
        report.event(Event("check", "guest", "skipped", message=why, at=time()))
    probes = [declared_probe(check, proof) for check in desired.checks]
    checks += run_probes([guest_probe(proof), *probes] if boots else probes, report)
    raise_problems(checks)
    return VerifySummary(tuple(checks), monotonic() - began, proof.guests[0] if proof.guests else None)


def why_no_guest(desired: Desired, checks: Sequence[Outcome]) -> str:
    """Why no virtual machine is booted; empty when one is."""
    if not desired.client:
        return "no service of this cloud lets users log in"
    return "needs every workload and API" if any(check.problems for check in checks) else ""


def raise_problems(checks: Sequence[Outcome]) -> None:
    """Raise VerifyError with every problem of every check, when there is one."""
    problems: list[Problem] = [problem for check in checks for problem in check.problems]
    if problems:
        raise VerifyError(problems)


def workloads_probe(proof: Proof) -> Probe:
    """Every workload runs and is healthy."""

    def run() -> str:
        problems = workload_problems(proof.desired, proof.executor.observe(proof.desired.hosts))
        if problems:
            raise VerifyError(problems)
        return f"{len(proof.desired.workloads)} workloads run"

    return Probe("workloads", run)


def endpoints_probe(proof: Proof) -> Probe:
    """A token is given, and every endpoint of its catalogue answers."""
    from mastic.verify.api import check_endpoints, expected_errors

    return Probe("endpoints", lambda: check_endpoints(proof.cloud.session), expected_errors)


def declared_probe(check: PlacedCheck, proof: Proof) -> Probe:
    """One declared check."""
    authority = proof.state / "ca.pem"
    return Probe(
        f"{check.service}/{check.name}", lambda: run_check(check, proof.executor, authority), host=check.host or ""
    )


def guest_probe(proof: Proof) -> Probe:
    """A virtual machine boots and answers."""
    from mastic.verify.api import expected_errors

    def tell(line: str) -> None:
        proof.report.event(Event("check", "guest", "progress", message=line, at=time()))

    def run() -> str:
        from mastic.verify.boot import prove_guest

        guest = prove_guest(proof.cloud, tell)
        proof.guests.append(guest)
        return f"`{guest.address}` answered a ping {guest.ping_seconds:.1f} s after it was asked for"

    return Probe("guest", run, expected_errors)
