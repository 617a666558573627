"""Kept generations → what can go: records, secret versions, and images that none of them needs (`mastic gc`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mastic.build.recipes import graph_of
from mastic.errors import HostError
from mastic.execute.executor import Collected
from mastic.history.collection import Surplus, surplus
from mastic.history.history import History
from mastic.model.generation import Generation
from mastic.pipeline import Where
from mastic.returning import cloud_of
from mastic.undertaking import Site, keep


@dataclass(frozen=True)
class Collection:
    """What a collection frees."""

    site: Site
    surplus: Surplus
    images: dict[str, Collected]
    """Host → images that nothing needs."""
    references: dict[str, tuple[str, ...]]

    def __bool__(self) -> bool:
        return bool(self.surplus.generations or self.surplus.runs or any(each.sizes for each in self.images.values()))


def look(where: Where, kept: int) -> Collection:
    """What would go; changes nothing. Raises HostError when a host does not answer."""
    site = cloud_of(where)
    gone = surplus(site.history, kept)
    latest = site.history.latest()
    observed = site.executor.observe(latest.desired.hosts if latest else ())
    if observed.unreachable:
        from mastic.verify.workloads import unreachable

        raise HostError(unreachable(observed))
    needed = needed_images(where.state, site.history, gone)
    references = {name: tuple(sorted(host.images - needed)) for name, host in observed.hosts.items()}
    images = {name: site.executor.collect(name, wanted, remove=False) for name, wanted in references.items()}
    return Collection(site, gone, images, references)


def collect(collection: Collection) -> None:
    """Let go of what `look` found, and renew the hosts' copies of the state."""
    site = collection.site
    with site.history.lock("gc"):
        site.history.forget(collection.surplus.generations, collection.surplus.runs)
        site.secrets.forget(collection.surplus.needed_secrets)
        for host, references in collection.references.items():
            site.executor.collect(host, references, remove=True)
        latest = site.history.latest()
        keep(site, latest.desired.hosts if latest else ())


def needed_images(states: Path, history: History, gone: Surplus) -> set[str]:
    """References that a kept generation or an unfinished run of any cloud of this controller uses or is built from."""
    found: set[str] = set()
    for folder in sorted(states.glob("*/history")):
        other = History(folder)
        numbers = set(other.generations())
        if folder == history.folder:
            numbers -= set(gone.generations)
        for number in filter(other.is_whole, numbers):
            found |= images_of(other.generation(number))
        if left := other.unfinished():
            intent = other.intent(left.id)
            found |= {*intent.desired.images.values(), *graph_of(intent.recipes).references.values()}
    return found


def images_of(generation: Generation) -> set[str]:
    """What a generation runs and what that stands on."""
    return {*generation.desired.images.values(), *graph_of(generation.intent.recipes).references.values()}
