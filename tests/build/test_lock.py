"""A release's lock and the part of it that each image installs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mastic.build.lock import normalise, parse_lock

from .small import LOCK

REAL = Path(__file__).resolve().parents[2] / "catalogue/_shared/locks/2026.2.txt"


def test_versions_hashes_and_edges() -> None:
    beta = parse_lock(LOCK).distributions["beta"]
    assert (beta.version, beta.hashes, beta.via) == ("2.0", ("sha256:b1", "sha256:b2"), ("alpha",))


@pytest.mark.parametrize(
    ("roots", "names"),
    [
        (["alpha"], {"alpha", "beta", "gamma-lib", "delta"}),
        (["beta"], {"beta", "gamma-lib", "delta"}),
        (["Gamma_Lib[extra]"], {"gamma-lib", "delta"}),
        (["delta", "delta"], {"delta"}),
        (["unknown"], set()),
        ([], set()),
    ],
)
def test_closure(roots: list[str], names: set[str]) -> None:
    assert parse_lock(LOCK).closure(roots) == names


def test_closure_survives_a_circle() -> None:
    circle = "a==1 \\\n    # via b\nb==1 \\\n    # via a\n"
    assert parse_lock(circle).closure(["a"]) == {"a", "b"}


def test_requirements_keep_markers_and_every_hash() -> None:
    text = parse_lock(LOCK).requirements(["gamma-lib", "beta"])
    assert text == (
        "beta==2.0 \\\n    --hash=sha256:b1 \\\n    --hash=sha256:b2\n"
        "gamma-lib==3.0 ; python_version < '4' \\\n    --hash=sha256:cc\n"
    )


@pytest.mark.parametrize("written", ["glance_store[cinder,s3]", "Glance.Store", "glance-store"])
def test_names_compare_as_indexes_do(written: str) -> None:
    assert normalise(written) == "glance-store"


def test_the_real_lock_is_pinned_hashed_and_names_no_host() -> None:
    text = REAL.read_text()
    lock = parse_lock(text)
    assert len(lock.distributions) > 200
    assert all(item.hashes for item in lock.distributions.values())
    assert "://" not in text
    assert parse_lock(lock.requirements(lock.distributions)).distributions.keys() == lock.distributions.keys()
    versions = {name: lock.distributions[name].version.split(".")[0] for name in ("keystone", "nova", "neutron")}
    assert versions == {"keystone": "30", "nova": "34", "neutron": "29"}
