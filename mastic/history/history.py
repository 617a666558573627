"""History: one folder per cloud that says what ran, what stands, and who is at work (Run → Generation)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from mastic.history import journal
from mastic.history.lock import Holder, locked
from mastic.model.desired import Desired
from mastic.model.plan import Plan
from mastic.model.run import Event, Run
from mastic.plan.digest import file_digest, job_digest, spec_digest


@dataclass(frozen=True)
class Record:
    """A run as history knows it; `run` is replaced by its outcome before it is committed."""

    id: str
    folder: Path
    desired: Desired
    plan: Plan
    command: str
    run: Run


class History:
    """`runs/<id>/` has a run's plan and events, `generations/0001.json` what stood after it.

    Digests, references and versions only: no secret value ever comes here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._command = "apply"
        self._writing = Lock()

    @contextmanager
    def lock(self, command: str) -> Iterator[Holder | None]:
        """Keep other commands from changing the cloud; raises HostError when one is at work.

        Gives the one before us when it died at work, else None.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.folder / "lock", command) as before:
            self._command = command
            yield before

    def begin(self, desired: Desired, plan: Plan) -> Record:
        """Open the journal of a run."""
        folder = self._new_run_folder()
        journal.start(folder, plan, self._command)
        return Record(folder.name, folder, desired, plan, self._command, Run(id=folder.name))

    def event(self, record: Record, event: Event) -> None:
        """Write down what happened; may be called from several threads."""
        with self._writing:
            journal.append(record.folder, event)

    def commit(self, record: Record) -> int | None:
        """Close a run that went well; a plan with steps makes a new generation, whose number is returned."""
        if not record.run.ok:
            raise ValueError(f"run {record.id} did not go well and cannot be committed")
        number = self._add_generation(record) if record.plan else None
        journal.finish(record.folder, number)
        return number

    def unfinished(self) -> journal.Unfinished | None:
        """The last run, if it broke off or failed: what it did and what it did not."""
        runs = sorted(path for path in (self.folder / "runs").glob("*") if path.is_dir())
        return journal.unfinished(runs[-1]) if runs else None

    def generations(self) -> tuple[int, ...]:
        """Numbers of all generations, oldest first."""
        return tuple(sorted(int(path.stem) for path in (self.folder / "generations").glob("[0-9]*.json")))

    def generation(self, number: int) -> dict[str, Any]:
        """What stood after a run."""
        text = (self.folder / "generations" / f"{number:04d}.json").read_text("utf-8")
        return dict(json.loads(text))

    def _new_run_folder(self) -> Path:
        """Names sort by time, also two in one second."""
        stem = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        folder = self.folder / "runs" / stem
        folder.mkdir(parents=True, mode=0o700)
        return folder

    def _add_generation(self, record: Record) -> int:
        number = max(self.generations(), default=0) + 1
        folder = self.folder / "generations"
        folder.mkdir(exist_ok=True, mode=0o700)
        stands = _what_stands(record.desired) if record.command != "destroy" else {}
        head = {
            "number": number,
            "run": record.id,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": record.command,
        }
        journal.write_durably(folder / f"{number:04d}.json", {**head, **stands})
        return number


def _what_stands(desired: Desired) -> dict[str, Any]:
    versions = desired.secret_versions
    return {
        "cloud": desired.cloud,
        "release": desired.release,
        "images": dict(desired.images),
        "secret_versions": dict(versions),
        "workloads": {
            w.id: {"spec": spec_digest(w.spec), "files": {f.name: file_digest(f, versions) for f in w.files}}
            for w in desired.workloads
        },
        "jobs": {job.id: job_digest(job, versions) for job in desired.jobs},
        "volumes": [volume.id for volume in desired.volumes],
    }
