"""`after`, jobs and requirements → what must be done before what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mastic.errors import InputError, Problem
from mastic.model.service import Service
from mastic.resolve.frontends import CAPABILITY
from mastic.resolve.ground import Ground

Instances = Mapping[tuple[str, str], tuple[str, ...]]
"""(service, workload or job) → ids of what is really placed."""


@dataclass(frozen=True)
class Order:
    """Answers what an id has to wait for."""

    ground: Ground
    instances: Instances

    def needs(self, service: str, name: str, host: str) -> tuple[str, ...]:
        """Ids that must be done before `name` of `service` on `host`."""
        declared = self.ground.folder(service).service
        found = self._inside(declared, name, host)
        if name in declared.jobs and declared.jobs[name].after_consumers:
            found += self._consumers(declared)
        capabilities = _waited_for(declared, name)
        workload = declared.workloads.get(name)
        if workload is not None and workload.frontend is not None:
            capabilities.append(CAPABILITY)
        for capability in capabilities:
            found += self._ready(service, capability)
        return tuple(dict.fromkeys(found))

    def accounts(self, service: str, name: str) -> tuple[str, ...]:
        """Ids that make the accounts of `name` and that it need not wait for when it starts first."""
        declared = self.ground.folder(service).service
        later = [each for each in declared.requires if each not in _waited_for(declared, name)]
        return tuple(
            dict.fromkeys(id for each in later if self._has_account(each) for id in self._ready(service, each))
        )

    def _has_account(self, capability: str) -> bool:
        provider = self.ground.providers.get(capability)
        if provider is None:
            return False
        provide = self.ground.folder(provider).service.provides[capability]
        return any(secret.account for secret in provide.secrets.values())

    def _consumers(self, declared: Service) -> list[str]:
        """Everything of the services that require a capability of this one."""
        provided = declared.provides.keys()
        folders = [self.ground.folder(name).service for name in self.ground.services]
        consumers = [each for each in folders if each.service != declared.service and provided & each.requires.keys()]
        return [
            id
            for each in consumers
            for name in (*each.workloads, *deploying(each))
            for id in self.instances.get((each.service, name), ())
        ]

    def _inside(self, declared: Service, name: str, host: str) -> list[str]:
        """Needs within the service: what `after` says, and for a workload every job that prepares it."""
        wanted = list(_after(declared, name))
        if name in declared.workloads:
            wanted += preparing(declared)
        return [id for each in wanted for id in self._near(declared.service, each, host)]

    def _near(self, service: str, name: str, host: str) -> tuple[str, ...]:
        """The instance on the same host, else all of them."""
        ids = self.instances.get((service, name), ())
        here = tuple(id for id in ids if id.endswith(f"@{host}"))
        return here or ids

    def _ready(self, service: str, capability: str) -> list[str]:
        provider = self.ground.providers.get(capability)
        if provider is None or provider == service:
            return []
        declared = self.ground.folder(provider).service
        names = declared.provides[capability].ready or (*declared.workloads, *deploying(declared))
        return [id for name in names for id in self.instances.get((provider, name), ())]


def deploying(declared: Service) -> list[str]:
    """Jobs that run while the service is deployed, before others are."""
    leaving = ("removal", "discard")
    return [name for name, job in declared.jobs.items() if job.when not in leaving and not job.after_consumers]


def preparing(declared: Service) -> list[str]:
    """Jobs that follow no workload, directly or through others: they come before every workload."""
    return [name for name in deploying(declared) if not followed(declared, name) & declared.workloads.keys()]


def followed(declared: Service, job: str) -> set[str]:
    """Workloads and jobs that come before `job`, directly or through others."""
    found: set[str] = set()
    todo = list(_after(declared, job))
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += _after(declared, name)
    return found


def check_circles(ground: Ground, needs: Mapping[str, tuple[str, ...]], services: Mapping[str, str]) -> None:
    """Raise InputError that names the chain when something has to wait for itself."""
    chain = find_circle(needs)
    if not chain:
        return
    told = " → ".join(f"`{id}`" for id in chain)
    folder = ground.folder(services[chain[0]])
    hint = "each waits for the next one; break the chain with `after` or `ready`"
    raise InputError(Problem(f"a circle of needs: {told}", folder.place(), hint))


def find_circle(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """A chain of ids that ends where it began, or nothing."""
    done: set[str] = set()
    for start in needs:
        path: list[str] = [start]
        waiting = [iter(needs[start])] if start not in done else []
        while waiting:
            following = next(waiting[-1], None)
            if following is None:
                done.add(path.pop())
                waiting.pop()
            elif following in path:
                return [*path[path.index(following) :], following]
            elif following not in done:
                path.append(following)
                waiting.append(iter(needs.get(following, ())))
    return []


def _waited_for(declared: Service, name: str) -> list[str]:
    holder = declared.jobs.get(name) or declared.workloads.get(name)
    return list(declared.requires if holder is None or holder.requires is None else holder.requires)


def _after(declared: Service, name: str) -> tuple[str, ...]:
    if name in declared.workloads:
        return declared.workloads[name].after
    return declared.jobs[name].after if name in declared.jobs else ()
