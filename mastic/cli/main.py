"""The entry point: finds a command by name and turns whatever ends it into an exit code."""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from mastic import __version__
from mastic.agent.space import in_words, is_full
from mastic.cli.options import common_options, from_environment
from mastic.errors import ExitCode, MasticError, Problem

COMMANDS = (
    "plan",
    "apply",
    "diff",
    "status",
    "drift",
    "logs",
    "explain",
    "verify",
    "history",
    "show",
    "rollback",
    "resume",
    "unlock",
    "gc",
    "recover",
    "hosts",
    "volume",
    "secrets",
    "build",
    "bundle",
    "lock",
    "destroy",
    "lint",
    "new-service",
    "completion",
)
"""In the order in which a newcomer needs them; each is the `command` of the module of that name."""


class Commands(click.Group):
    """Imports a command's module only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = import_module(f"mastic.cli.{cmd_name.replace('-', '_')}").command
        assert isinstance(found, click.Command)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mastic", message="%(prog)s %(version)s")
@common_options
def mastic() -> None:
    """Build the images of an OpenStack cloud and run the cloud with them.

    A cloud is one file, cloud.yml. `mastic plan` shows what would change, `mastic apply` changes it and proves that
    it works.

    Exit codes: 0 done, 1 something to put right, 2 the plan is not empty (plan --check), 3 a step failed, 4 a bug in
    mastic, 130 interrupted.
    """


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in words
    try:
        result = mastic.main(words or ["--help"], prog_name="mastic", standalone_mode=False)
    except click.ClickException as error:
        return tell([usage_problem(error)], ExitCode.USER_PROBLEM, as_json)
    except MasticError as error:
        return tell(list(error.problems), error.exit_code, as_json)
    except (KeyboardInterrupt, click.Abort):
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        return int(ExitCode.DONE)
    except Exception as error:  # the one place where a bug ends
        return tell(*unexpected(error, words), as_json)
    return result if isinstance(result, int) else int(ExitCode.DONE)


def usage_problem(error: click.ClickException) -> Problem:
    """A wrong command line in the words of all other problems."""
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    hint = f"`{context.command_path} --help` says what it takes" if context else None
    return Problem(message[:1].lower() + message[1:].replace("'", "`"), hint=hint)


def unexpected(error: Exception, words: Sequence[str]) -> tuple[list[Problem], ExitCode]:
    """A bug, unless the machine has no room left: that is nobody's mistake."""
    if isinstance(error, OSError) and is_full(error):
        return [full_disk(error, words)], ExitCode.STEP_FAILED
    return [bug(traceback.format_exc())], ExitCode.BUG


def full_disk(error: OSError, words: Sequence[str]) -> Problem:
    """What is full, and that nothing is lost."""
    said = [*words, *(part for word in words for part in word.split("=", 1))]
    after = [Path(said[number + 1]) for number, word in enumerate(said[:-1]) if word == "--state"]
    message = in_words(error, [*(after or [from_environment().state]), tempfile.gettempdir()])
    return Problem(message, hint="what ran before stays recorded; then `mastic apply` goes on")


def bug(trace: str) -> Problem:
    """An unexpected exception: the details go to a file, one sentence to the terminal."""
    with tempfile.NamedTemporaryFile("w", prefix="mastic-bug-", suffix=".txt", delete=False) as file:
        file.write(f"mastic {__version__}, Python {sys.version}\n\n{trace}")
    last = trace.strip().splitlines()[-1]
    return Problem(
        f"this is a bug in mastic: `{last}`",
        hint=f"please report it with the file {file.name}; what ran before stays recorded, `mastic apply` goes on",
    )


def tell(problems: list[Problem], code: ExitCode, as_json: bool) -> int:
    """Write problems the way that was asked for."""
    if as_json:
        from mastic.report.json_lines import problem_object

        print(json.dumps({"type": "problems", "problems": [problem_object(problem) for problem in problems]}))
    else:
        for problem in problems:
            print(problem, file=sys.stderr)
    return int(code)
