"""A part of a command → its two events: when it begins and how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from mastic.errors import MasticError
from mastic.model.run import Event
from mastic.report.report import Report


@contextmanager
def phase(report: Report, name: str) -> Iterator[None]:
    """Tell the report when a part of the command starts and how long it took."""
    began = monotonic()
    report.event(Event("phase", name, "started"))
    try:
        yield
    except MasticError:
        report.event(Event("phase", name, "failed", monotonic() - began))
        raise
    report.event(Event("phase", name, "done", monotonic() - began))
