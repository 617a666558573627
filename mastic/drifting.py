"""Last generation × hosts as they are → drift, once or again and again (`mastic drift`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event as Flag

from mastic.errors import InputError, Place, Problem
from mastic.pipeline import Where
from mastic.plan.drift import Drift, drifts
from mastic.returning import cloud_of
from mastic.undertaking import OfVersions, secrets_of

Drifts = tuple[Drift, ...]


def look(where: Where, checks: bool = True) -> tuple[int, Drifts]:
    """Number of the last generation and what is not as it was left; `checks` False does not ask the jobs' own checks.

    Raises InputError when nothing stands, HostError when a host cannot be asked.
    """
    site = cloud_of(where)
    latest = site.history.latest()
    if latest is None or not latest.head.stands:
        hint = "`mastic apply` makes the first one"
        raise InputError(Problem("there is no generation to compare with", Place(str(site.history.folder)), hint))
    desired = latest.desired
    if checks:
        values = OfVersions(site.secrets, desired.secret_versions).values(secrets_of(desired))
        for host in desired.hosts:
            site.executor.check(host, desired, values)
    return latest.head.number, drifts(desired, site.executor.observe(desired.hosts))


def watching(
    where: Where, before: Drifts, seconds: float, checks: bool = True, pause: Callable[[float], object] | None = None
) -> Iterator[tuple[Drifts, Drifts]]:
    """What appeared and what is right again, whenever that changes; without end."""
    wait = pause or Flag().wait
    while True:
        wait(seconds)
        now = look(where, checks)[1]
        if now != before:
            yield tuple(each for each in now if each not in before), tuple(each for each in before if each not in now)
        before = now
