"""Markdown → the shell commands a reader would type."""

from __future__ import annotations

import re
from dataclasses import dataclass

BLOCK = re.compile(
    r"^(?:<!-- (?P<note>[^>]*?) -->\n+)?^```(?P<language>bash|sh|console)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
NEEDS_CLOUD = "needs a running cloud"
"""A comment `<!-- needs a running cloud -->` right before a block says that it changes a real cloud."""


@dataclass(frozen=True)
class Block:
    """One block of commands."""

    line: int
    """Where its first command stands in the page."""
    script: str
    expected: tuple[str, ...] = ()
    """Lines that a `console` block shows as output; `…` stands for anything."""
    needs_cloud: bool = False


def shell_blocks(page: str) -> list[Block]:
    """Every `bash`, `sh` and `console` block of a page, in order."""
    return [block_of(page, match) for match in BLOCK.finditer(page)]


def block_of(page: str, match: re.Match[str]) -> Block:
    """A `console` block has `$ ` before commands; everything else in it is output."""
    line = page[: match.start("text")].count("\n") + 1
    needs_cloud = (match["note"] or "").strip() == NEEDS_CLOUD
    if match["language"] != "console":
        return Block(line, match["text"], needs_cloud=needs_cloud)
    lines = match["text"].splitlines()
    commands = [text[2:] for text in lines if text.startswith("$ ")]
    shown = [text for text in lines if text and not text.startswith("$ ")]
    return Block(line, "\n".join(commands) + "\n", tuple(shown), needs_cloud)


def is_shown(expected: str, output: str) -> bool:
    """Whether some line of `output` is the expected one."""
    pattern = re.compile(".*".join(re.escape(part.strip()) for part in expected.strip().split("…")))
    return any(pattern.fullmatch(line.strip()) for line in output.splitlines())
