"""Observed × CloudFile → what keeps machines from being hosts of one cloud, whatever is to run there; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mastic.errors import Problem
from mastic.model.catalogue import CloudFile
from mastic.model.observed import HostFacts, Observed
from mastic.plan.preflight import unreachable

LARGEST_SKEW = 1.0
"""Seconds; tokens and cluster members of more are refused by some services."""
PREPARE = "`mastic hosts prepare` installs and starts one"


@dataclass(frozen=True)
class Look:
    """What was seen, and when on this machine's clock."""

    cloud_file: CloudFile
    observed: Observed
    began: float
    ended: float

    @property
    def facts(self) -> Mapping[str, HostFacts]:
        return {name: host.facts for name, host in self.observed.hosts.items()}


def host_problems(look: Look) -> list[Problem]:
    """All of them at once; empty when every machine can be a host."""
    return [
        *unreachable(look.cloud_file, look.observed),
        *_engines(look),
        *_addresses(look),
        *_clocks(look),
        *between_hosts(look.cloud_file, look.observed),
    ]


def between_hosts(cloud_file: CloudFile, observed: Observed) -> list[Problem]:
    """What does not fit together; also part of every plan."""
    look = Look(cloud_file, observed, 0.0, 0.0)
    return [*_systems(look), *_mtus(look), *_other_clouds(look)]


def skew(look: Look, name: str) -> float:
    """Seconds that a host's clock is ahead of this machine's, as far as can be told; negative: behind."""
    clock = look.facts[name].clock
    return min(0.0, clock - look.began) or max(0.0, clock - look.ended)


def mtu_of(look: Look, name: str) -> int | None:
    """MTU of the interface that has the host's address."""
    address = look.cloud_file.cloud.hosts[name].address
    found = (each["mtu"] for each in look.facts[name].interfaces.values() if each.get("address") == address)
    return next(found, None)


def _engines(look: Look) -> Iterator[Problem]:
    for name, facts in look.facts.items():
        if facts.engine is None:
            why = f": {facts.engine_problem}" if facts.engine_problem else ""
            place = look.cloud_file.place("hosts", name)
            yield Problem(f"no container engine answers on host `{name}`{why}", place, PREPARE)


def _addresses(look: Look) -> Iterator[Problem]:
    for name, facts in look.facts.items():
        address = look.cloud_file.cloud.hosts[name].address
        if address not in facts.addresses and not address.startswith("127."):
            there = ", ".join(f"`{each}`" for each in facts.addresses)
            place = look.cloud_file.place("hosts", name, "address")
            yield Problem(f"address `{address}` is not on host `{name}`", place, f"addresses there: {there}")


def _clocks(look: Look) -> Iterator[Problem]:
    for name in look.facts:
        seconds = skew(look, name)
        if abs(seconds) > LARGEST_SKEW:
            way = "ahead of" if seconds > 0 else "behind"
            message = f"the clock of host `{name}` is {abs(seconds):.0f} s {way} this machine's"
            yield Problem(message, look.cloud_file.place("hosts", name), "let both follow the same time server")


def _systems(look: Look) -> Iterator[Problem]:
    counts = Counter(facts.system for facts in look.facts.values())
    usual = counts.most_common(1)[0][0] if counts else ""
    for name, facts in look.facts.items():
        if facts.system != usual:
            message = f"host `{name}` has {facts.system}, most others have {usual}"
            yield Problem(message, look.cloud_file.place("hosts", name), "the same release on all hosts of a cloud")


def _mtus(look: Look) -> Iterator[Problem]:
    known = {name: mtu for name in look.facts if (mtu := mtu_of(look, name))}
    counts = Counter(known.values())
    usual = counts.most_common(1)[0][0] if counts else 0
    for name, mtu in known.items():
        if mtu != usual:
            message = f"the network of host `{name}` has MTU {mtu}, that of most others {usual}"
            yield Problem(message, look.cloud_file.place("hosts", name), "large packets between them would be lost")


def _other_clouds(look: Look) -> Iterator[Problem]:
    for name, facts in look.facts.items():
        for other in facts.other_clouds if len(look.facts) > 1 else ():
            hint = f"`mastic destroy` of cloud `{other}` first, or take the host out of one of the two"
            yield Problem(f"host `{name}` belongs to cloud `{other}`", look.cloud_file.place("hosts", name), hint)
