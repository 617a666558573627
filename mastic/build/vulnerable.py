"""A lock and a database of known vulnerabilities → which pinned versions are known to be vulnerable."""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from mastic.build.lock import Lock
from mastic.build.sources import authorities

DATABASE = "https://api.osv.dev/v1/querybatch"
"""The database that pip-audit reads with `--vulnerability-service osv`; all of a lock is one question."""
SECONDS = 20


class NotReached(Exception):
    """The database did not answer; the text says why."""


@dataclass(frozen=True)
class Vulnerable:
    """A pinned version and the advisories about it."""

    name: str
    version: str
    advisories: tuple[str, ...]


def vulnerable(lock: Lock, database: str = DATABASE) -> list[Vulnerable]:
    """What the database knows about the versions of a lock; raises NotReached."""
    items = sorted(lock.distributions.values(), key=lambda item: item.name)
    queries = [{"package": {"name": item.name, "ecosystem": "PyPI"}, "version": item.version} for item in items]
    answers = ask(database, {"queries": queries}).get("results", [])
    found = []
    for item, answer in zip(items, answers, strict=True):
        advisories = tuple(each["id"] for each in (answer or {}).get("vulns", ()))
        if advisories:
            found.append(Vulnerable(item.name, item.version, advisories))
    return found


def ask(database: str, question: dict[str, object]) -> dict[str, list[dict[str, list[dict[str, str]]]]]:
    trust = authorities(Path("/"), os.environ)
    context = ssl.create_default_context(cafile=str(trust) if trust else None)
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(database, json.dumps(question).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS, context=context) as answer:
            return json.load(answer)  # type: ignore[no-any-return]
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise NotReached(str(reason)) from None
