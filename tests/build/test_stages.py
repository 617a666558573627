"""The stages that the builder adds to a Dockerfile."""

from __future__ import annotations

import pytest

from mastic.build.stages import MADE, OUT, mount_points, staged


@pytest.mark.parametrize(
    ("dockerfile", "made", "base"),
    [
        ("FROM a:1\nRUN x\n", MADE, "a:1"),
        ("FROM a:1 AS first\nFROM b:2\nCOPY --from=first /x /y\n", MADE, "b:2"),
        ("FROM a:1 AS first\nRUN x\nFROM first\nRUN y\n", MADE, "a:1"),
        ("FROM a:1 as own\nRUN x\n", "own", "a:1"),
        ("FROM --platform=linux/arm64 a:1\n", MADE, "a:1"),
        ("FROM a:1 AS b\nFROM scratch\nCOPY --from=b / /\n", MADE, "scratch"),
    ],
)
def test_last_stage_is_named_and_its_base_found(dockerfile: str, made: str, base: str) -> None:
    found = staged(dockerfile)
    assert (found.made, found.base) == (made, base)
    assert f" AS {made}".lower() in found.text.lower()
    assert (f"FROM scratch AS {OUT}" in found.text) is (base != "scratch")


def test_mount_points_come_with_the_folders_above() -> None:
    text = (
        "RUN --mount=type=cache,target=/cache/uv --mount=type=secret,id=ca --mount=type=bind,source=x,target=/t,rw \\\n"
        "    --mount=type=secret,id=u,target=/etc/uv/uv.toml x"
    )
    assert mount_points(text) == {
        "cache",
        "cache/uv",
        "run",
        "run/secrets",
        "run/secrets/ca",
        "t",
        "etc",
        "etc/uv",
        "etc/uv/uv.toml",
    }
