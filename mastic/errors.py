"""Problems: what every stage says when it cannot go on, and the exit codes they lead to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum


class ExitCode(IntEnum):
    """What the `mastic` process tells its caller."""

    DONE = 0
    USER_PROBLEM = 1
    PLAN_NOT_EMPTY = 2
    STEP_FAILED = 3
    BUG = 4
    INTERRUPTED = 130


@dataclass(frozen=True, order=True)
class Place:
    """Where a problem stands: a line of a file, or a host or resource when there is no file."""

    where: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.where}:{self.line}" if self.line else self.where


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where, and what to do next.

    `message` starts in lower case and quotes values in backticks.
    """

    message: str
    place: Place | None = None
    hint: str | None = None

    def __str__(self) -> str:
        lines = [f"error: {self.message}"]
        if self.place:
            lines.append(f"  at {self.place}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class MasticError(Exception):
    """Base of everything expected to go wrong; carries every problem found, never only the first."""

    exit_code = ExitCode.USER_PROBLEM

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        found = [problems] if isinstance(problems, Problem) else list(problems)
        self.problems: tuple[Problem, ...] = tuple(found)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InputError(MasticError):
    """The catalogue, the cloud definition or a command line is wrong; nothing was changed."""


class HostError(MasticError):
    """A host cannot take the plan (preflight) or cannot be reached; nothing was changed."""


class BuildError(MasticError):
    """An image could not be built."""

    exit_code = ExitCode.STEP_FAILED


class StepError(MasticError):
    """A step of a plan failed; what ran before it stays recorded and is not run again."""

    exit_code = ExitCode.STEP_FAILED


class VerifyError(MasticError):
    """The cloud does not do what it was asked to do."""

    exit_code = ExitCode.STEP_FAILED


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to `word`, or None when none is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint that names the known word nearest to `word`, or None when none is near."""
    near = nearest(word, known)
    return f"did you mean `{near}`?" if near else None
