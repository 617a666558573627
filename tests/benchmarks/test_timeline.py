"""The timeline shows what ran when."""

from __future__ import annotations

from benchmarks.timeline import gantt, phases, spans

EVENTS = [
    {"kind": "step", "id": "start:web@lab", "state": "started", "at": 100.0, "seconds": 0.0},
    {"kind": "step", "id": "start:web@lab", "state": "done", "at": 104.0, "seconds": 4.0},
    {"kind": "image", "id": "web", "state": "failed", "at": 108.0, "seconds": 4.0},
    {"kind": "step", "id": "write:web@lab", "state": "done", "at": 100.1, "seconds": 0.1},
    {"kind": "phase", "id": "apply", "state": "done", "at": 108.0, "seconds": 8.0},
]


def test_bars_stand_where_things_ran() -> None:
    assert gantt(spans(EVENTS), width=8).splitlines() == [
        "start:web@lab     0.0 -   4.0  ####",
        "image web         4.0 -   8.0      !!!!",
        "(1 shorter than 0.3 s)",
    ]
    assert phases(EVENTS).split() == ["apply", "8.0", "s"]


def test_no_events_give_no_bars() -> None:
    assert spans([]) == []
    assert gantt([]) == "nothing took long enough to be shown"
