"""History: one folder per cloud that says what ran, what stands, and who is at work (Run → Generation)."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from pydantic import TypeAdapter

from mastic.errors import InputError, Place, Problem
from mastic.history import journal, store
from mastic.history.lock import Held, Holder, locked
from mastic.history.lock import unlock as unlock_file
from mastic.model.generation import Generation, Head, Intent, Record, Result
from mastic.model.plan import Plan
from mastic.model.run import Event, Run

LEARNT_FROM = 20
"""So many earlier runs tell how long steps take."""
_HEAD = TypeAdapter(Head)


class History:
    """`runs/<id>/` has what a run wanted and its events, `generations/0001.*` what stood after it.

    References and versions only: no secret value ever comes here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: Held | None = None
        self._writing = Lock()

    @contextmanager
    def lock(self, command: str) -> Iterator[Holder | None]:
        """Keep other commands from changing the cloud; raises HostError when one is at work.

        Gives the one before us when it died at work, else None.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.folder / "lock", command) as held:
            self._held = held
            try:
                yield held.before
            finally:
                self._held = None

    def unlock(self, id: str) -> Holder:
        """Take the lock from who holds it under this id; raises InputError when nobody does."""
        return unlock_file(self.folder / "lock", id)

    def begin(self, intent: Intent, plan: Plan) -> Record:
        """Open the journal of a run."""
        folder = self._new_run_folder()
        journal.start(folder, intent, plan, self.folder)
        return Record(folder.name, intent, plan, Run(id=folder.name))

    def event(self, record: Record, event: Event) -> None:
        """Write down what happened; may be called from several threads. Raises HostError when the lock was taken."""
        self._insist_on_lock()
        with self._writing:
            journal.append(self._run(record.id), event)

    def commit(self, record: Record) -> int:
        """Close a run that went well: it makes a new generation, whose number is returned."""
        if not record.run.ok:
            raise ValueError(f"run {record.id} did not go well and cannot be committed")
        self._insist_on_lock()
        number = self._add_generation(record)
        journal.finish(self._run(record.id), number)
        return number

    def close(self) -> None:
        """What the last run left undone is no longer wanted: everything is as the last generation says."""
        if left := self.unfinished():
            journal.finish(self._run(left.id), None)

    def judge(self, number: int, result: Result) -> None:
        """Note what the checks after a run said."""
        store.write_durably(self._head_path(number), asdict(replace(self.head(number), result=result)))

    def unfinished(self) -> journal.Unfinished | None:
        """The last run, if it broke off or failed: what it did and what it did not."""
        begun = [run for run in self.runs() if (self._run(run) / journal.PLAN).exists()]
        known = {self.head(number).run for number in self.generations()[-1:]}  # killed right before it was closed
        return journal.unfinished(self._run(begun[-1])) if begun and begun[-1] not in known else None

    def intent(self, run: str) -> Intent:
        """What a run wanted. Raises InputError when that is not on record."""
        return store.read_intent(self._run(run) / journal.INTENT, self.folder)

    def runs(self) -> tuple[str, ...]:
        """Ids of all runs, oldest first."""
        return tuple(sorted(path.name for path in (self.folder / "runs").glob("*") if path.is_dir()))

    def generations(self) -> tuple[int, ...]:
        """Numbers of all generations, oldest first."""
        return tuple(sorted(int(path.stem) for path in self._generations.glob("[0-9]*.json")))

    def heads(self) -> tuple[Head, ...]:
        """The readable part of all generations, oldest first."""
        return tuple(self.head(number) for number in self.generations())

    def head(self, number: int) -> Head:
        """Raises InputError when there is no such generation."""
        try:
            return _HEAD.validate_python(json.loads(self._head_path(number).read_text("utf-8")))
        except FileNotFoundError:
            known = ", ".join(f"{each}" for each in self.generations()) or "none"
            message = f"there is no generation {number}"
            raise InputError(Problem(message, Place(str(self.folder)), f"generations there: {known}")) from None

    def generation(self, number: int) -> Generation:
        """All of a generation. Raises InputError when it is not there."""
        return Generation(self.head(number), store.read_intent(self._intent_path(number), self.folder))

    def latest(self) -> Generation | None:
        """What stands, as far as the last run that went well knows; None when it was another version's."""
        numbers = self.generations()
        return self.generation(numbers[-1]) if numbers and self.is_whole(numbers[-1]) else None

    def is_whole(self, number: int) -> bool:
        """Whether a generation can be returned to: mastic 0.1 before generations wrote only their heads."""
        return self._intent_path(number).exists()

    def durations(self) -> dict[str, list[float]]:
        """`step <id>` or `image <name>` → seconds it took in earlier runs."""
        found: dict[str, list[float]] = {}
        for run in self.runs()[-LEARNT_FROM:]:
            for name, seconds in journal.durations(self._run(run)):
                found.setdefault(name, []).append(seconds)
        return found

    def forget(self, numbers: Collection[int], runs: Collection[str]) -> None:
        """Remove generations, runs, and the recipes that nothing left uses; the head goes first."""
        for number in sorted(numbers):
            for path in sorted(
                self._generations.glob(f"{number:04d}.*"), key=lambda path: path.name != f"{number:04d}.json"
            ):
                path.unlink()
        for run in runs:
            shutil.rmtree(self._run(run))
        intents = [*self._generations.glob("*.intent.json.gz"), *self.folder.glob(f"runs/*/{journal.INTENT}")]
        used = {store.recipes_of(path) for path in intents}
        for path in (self.folder / store.RECIPES).glob("*.json.gz"):
            if path.name.removesuffix(".json.gz") not in used:
                path.unlink()

    @property
    def _generations(self) -> Path:
        return self.folder / "generations"

    def _head_path(self, number: int) -> Path:
        return self._generations / f"{number:04d}.json"

    def _intent_path(self, number: int) -> Path:
        return self._generations / f"{number:04d}.intent.json.gz"

    def _run(self, id: str) -> Path:
        return self.folder / "runs" / id

    def _insist_on_lock(self) -> None:
        if self._held:
            self._held.insist()

    def _new_run_folder(self) -> Path:
        """Names sort by time, also two in one second."""
        stem = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        folder = self._run(stem)
        folder.mkdir(parents=True, mode=0o700)
        return folder

    def _add_generation(self, record: Record) -> int:
        """The head is written last: with it the generation is there, without it nothing of it counts."""
        self._generations.mkdir(exist_ok=True, mode=0o700)
        number = max(self.generations(), default=0) + 1
        store.write_intent(self._intent_path(number), record.intent, self.folder)
        store.write_bytes_durably(self._generations / f"{number:04d}.cloud.yml", record.intent.cloud_file.encode())
        store.write_durably(self._head_path(number), asdict(self._new_head(number, record)))
        return number

    def _new_head(self, number: int, record: Record) -> Head:
        intent = record.intent
        return Head(
            number=number,
            run=record.id,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            command=intent.command,
            by=intent.by,
            parent=number - 1 if number - 1 in self.generations() else None,
            release=intent.desired.release,
            catalogue=intent.catalogue,
            steps=len(record.plan.steps),
            services=services_of(record.plan),
            seconds=journal.seconds(self._run(record.id)),
        )


def services_of(plan: Plan) -> tuple[str, ...]:
    """Services that a plan touches."""
    return tuple(sorted({step.group for step in plan.steps if step.group}))


def operator() -> str:
    """Who runs this process, also behind sudo."""
    return f"{os.environ.get('SUDO_USER') or _user()}@{socket.gethostname()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def previous(heads: Sequence[Head], is_broken: bool) -> Head | None:
    """The generation a rollback goes to: the last that stood well before the one that stands or, after a broken run,
    that stands still."""
    earlier = heads if is_broken else heads[:-1]
    return next((head for head in reversed(earlier) if head.stands and head.result != "checks failed"), None)
