"""A workload with two slots → the moves by which its wanted container takes over from another, always one serving.

A new container starts in the free slot; once it is healthy the load balancer brings its requests there; when the old
one has none left it is removed, and the new one gets the workload's name. A run may be cut off between any two of
these: then two containers are found, or one by the wrong name, and the moves from there are found here as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from mastic.model.desired import Binding, PlacedWorkload
from mastic.model.observed import Observed, ObservedHost, ObservedWorkload
from mastic.plan.difference import Difference, Versions, change_of, file_differences, is_edited, write_of

UNFINISHED = "its replacement was not finished"


@dataclass(frozen=True)
class Move:
    """One step of a workload, in the order in which they must follow each other."""

    difference: Difference
    detail: dict[str, Any] = field(default_factory=dict)
    at: tuple[str, str] = ("", "")
    """Id and host of the step when they are not those of the workload."""


def moves(workload: PlacedWorkload, observed: Observed, versions: Versions) -> Iterator[Move]:
    """Everything that has to happen to a workload with slots on its host."""
    host = observed.hosts[workload.host]
    first, second = host.workloads.get(workload.name), host.beside.get(workload.name)
    scene = _Scene(workload, observed, host, versions)
    if first is None:
        yield from scene.come_back()
        return
    if second is not None:
        first, second = sorted((first, second), key=scene.merit, reverse=True)
        yield from scene.take_over(slot_of(workload, first), second, UNFINISHED, is_serving(first))
        left = {folder: files for folder, files in host.files.items() if folder != second.folder}
        scene = replace(scene, host=replace(host, files=left, beside={}))
    yield from scene.go_on(first, is_alone=second is None)


def slot_of(workload: PlacedWorkload, seen: ObservedWorkload) -> str:
    """A container made before its workload had slots listens where the first one does."""
    return seen.slot or next(iter(workload.slots))


def is_serving(seen: ObservedWorkload) -> bool:
    """As far as the engine knows."""
    return seen.state == "running" and seen.healthy is not False


@dataclass(frozen=True)
class _Scene:
    workload: PlacedWorkload
    observed: Observed
    host: ObservedHost
    versions: Versions

    def merit(self, seen: ObservedWorkload) -> tuple[bool, bool, bool, bool]:
        """Of two containers the one to keep for now: the wanted one, else one that is known to have served."""
        serves = is_serving(seen)
        wanted = serves and change_of(self.workload, self.host, self.versions, seen) is None
        return wanted, serves and seen.files_digest is not None, serves, seen.container == self.workload.container

    def go_on(self, seen: ObservedWorkload, is_alone: bool) -> Iterator[Move]:
        """From one container to the wanted one."""
        difference = change_of(self.workload, self.host, self.versions, seen)
        if difference and self._interrupts(difference, seen):
            yield from self._replace_beside(seen, difference.cause)
            return
        if is_alone and self._is_left_over(seen):
            yield self._remove(slot_of(self.workload, seen), None, UNFINISHED)
        yield from self.in_place(seen, slot_of(self.workload, seen))

    def come_back(self) -> Iterator[Move]:
        """A first start, or one where somebody took the container away: it comes where its files are."""
        slots = [slot for slot in self.workload.slots if self.workload.folder(slot) in self.host.files]
        slot = next(iter(slots), next(iter(self.workload.slots)))
        if len(slots) > 1:
            yield self._remove(slot, None, UNFINISHED)
        yield from self.in_place(None, slot)

    def take_over(self, slot: str, old: ObservedWorkload, cause: str, serves: bool = True) -> Iterator[Move]:
        """Requests go to `slot` when that serves, then the old container goes."""
        if serves:
            yield from self._bind(slot, cause, [each for each in self.workload.bindings if self._has(each.host)])
        yield self._remove(slot, old, cause)

    def in_place(self, seen: ObservedWorkload | None, slot: str) -> Iterator[Move]:
        """What touches no request: a first start, one that does not run, files that no process reads at its start."""
        workload = self.workload
        folder = workload.folder(slot)
        difference = change_of(workload, self.host, self.versions, seen)
        if write := write_of(workload, self.host, self.versions, folder):
            voids = {"void_in_force": True} if is_edited(workload, self.host, folder) else {}
            yield Move(write, {"slot": slot, **voids})
        if difference:
            yield Move(difference, {"slot": slot, "container": workload.container})
            if difference.verb != "reload":
                # A load balancer that runs may have been told to keep away from this slot.
                yield from self._bind(slot, difference.cause, [b for b in workload.bindings if self._balances(b)])

    def _bind(self, slot: str, cause: str, bindings: Iterable[Binding]) -> Iterator[Move]:
        for binding in bindings:
            detail: dict[str, Any] = {"container": binding.container, "seconds": binding.seconds, "slot": slot}
            detail["command"] = binding.commands[slot]
            yield Move(Difference("bind", cause), detail, self._at("bind", slot, binding.host))

    def _has(self, host: str) -> bool:
        return host in self.observed.hosts

    def _balances(self, binding: Binding) -> bool:
        host = self.observed.hosts.get(binding.host)
        there = [] if host is None else [*host.workloads.values()]
        return any(seen.container == binding.container and seen.state == "running" for seen in there)

    def _interrupts(self, difference: Difference, seen: ObservedWorkload) -> bool:
        """Not a start that was cut off: it is waited for. Nor one that somebody else made: it may listen anywhere."""
        if seen.state != "running" or not seen.spec_digest or difference.verb not in ("replace", "restart"):
            return False
        unfinished = seen.files_digest is None and difference.verb == "restart"
        return not unfinished or bool(file_differences(self.workload, self.host, self.versions, seen.folder))

    def _replace_beside(self, old: ObservedWorkload, cause: str) -> Iterator[Move]:
        slot = self._other(slot_of(self.workload, old))
        folder = self.workload.folder(slot)
        if write := write_of(self.workload, self.host, self.versions, folder):
            yield Move(Difference("write", write.cause), {"slot": slot})
        yield Move(Difference("start", cause), {"slot": slot, "container": folder, "beside": old.container})
        yield from self.take_over(slot, old, cause)

    def _remove(self, slot: str, old: ObservedWorkload | None, cause: str) -> Move:
        """The container of `slot` gets the workload's name when the other has gone."""
        other = self._other(slot)
        detail = {
            "kind": "workload",
            "name": self.workload.name,
            "container": old.container if old else self.workload.folder(other),
            "folder": old.folder if old else self.workload.folder(other),
            "successor": self.workload.folder(slot),
            "takes": self.workload.container,
        }
        return Move(Difference("remove", cause), detail, self._at("remove", other, self.workload.host))

    def _is_left_over(self, seen: ObservedWorkload) -> bool:
        """A run was cut off before the container got its name, or before the other slot's files went."""
        other = self.workload.folder(self._other(slot_of(self.workload, seen)))
        return seen.container != self.workload.container or other in self.host.files

    def _other(self, slot: str) -> str:
        return next(each for each in self.workload.slots if each != slot)

    def _at(self, verb: str, slot: str, host: str) -> tuple[str, str]:
        whose = "" if host == self.workload.host else f"/{self.workload.host}"
        return f"{verb}:{self.workload.name}/{slot}{whose}@{host}", host
