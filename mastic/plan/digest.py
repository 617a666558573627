"""Digests by which reconcile tells desired from observed, of canonical JSON; contain no secret, only versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mastic.model.desired import ConfigFile, PlacedJob, PlacedWorkload


def digest_of(value: Any) -> str:
    """sha256 of a JSON value with sorted keys and no blanks."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def spec_digest(spec: Mapping[str, Any]) -> str:
    """Digest of a container's spec."""
    return digest_of(dict(spec))


def file_digest(file: ConfigFile, secret_versions: Mapping[str, int]) -> str:
    """Digest of a file's text and of the versions of the secrets it refers to (1 before a secret is made)."""
    versions = {name: secret_versions.get(name, 1) for name in file.secrets}
    return digest_of([file.content, versions])


def files_digest(workload: PlacedWorkload, secret_versions: Mapping[str, int]) -> str:
    """Digest of all files that a process reads at its start or reload; files with on_change `nothing` do not count."""
    read = (file for file in workload.files if file.on_change != "nothing")
    return digest_of({file.name: file_digest(file, secret_versions) for file in read})


def job_digest(job: PlacedJob, secret_versions: Mapping[str, int]) -> str:
    """Digest of what a job does: its command, its files and its image."""
    files = {file.name: file_digest(file, secret_versions) for file in job.files}
    return digest_of([job.run, files, job.spec.get("image")])
