"""The command line: help, wrong words, exit codes, what is imported when."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mastic.cli.main import COMMANDS, bug, main
from mastic.cli.options import from_environment, shipped_catalogue
from mastic.errors import ExitCode
from tests.golden.compare import assert_golden

HEAVY = ("pydantic", "rich", "openstack", "yaml", "jinja2", "ansible", "cryptography")


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("MASTIC_CLOUD", raising=False)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == ExitCode.DONE
    assert_golden(f"help-{command or 'mastic'}", capsys.readouterr().out)


def test_help_imports_nothing_heavy() -> None:
    program = (
        f"import sys; from mastic.cli import main; main(['--help']); print([m for m in {HEAVY} if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "completion"])
def test_every_command_takes_the_common_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([command, "--help"])
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--json", "--cloud", "--catalogue", "--state", "--no-color"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plann"], "no such command `plann`"),
        (["plan", "--chek"], "no such option"),
        (["logs"], "missing argument"),
        (["apply", "--allow", "everything"], "`everything` is not `data-loss`"),
    ],
)
def test_wrong_words_are_the_users_problem(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == ExitCode.USER_PROBLEM
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ") and message in shown.err and "--help` says what it takes" in shown.err


def test_wrong_words_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--json", "--chek"]) == ExitCode.USER_PROBLEM
    [problem] = json.loads(capsys.readouterr().out)["problems"]
    assert "no such option" in problem["message"]


@pytest.mark.parametrize("command", ["plan", "apply", "status", "destroy", "verify", "build"])
def test_a_missing_cloud_definition_is_told(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "cloud.yml"
    assert main(["--cloud", str(missing), "--state", str(tmp_path), command]) == ExitCode.USER_PROBLEM
    shown = capsys.readouterr()
    assert shown.out == ""
    assert str(missing) in shown.err and "error: " in shown.err
    assert list(tmp_path.iterdir()) == []


def test_options_count_before_and_after_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "inner.yml"
    main(["--cloud", "outer.yml", "plan", "--cloud", str(missing), "--json"])
    assert str(missing) in capsys.readouterr().out


def test_the_environment_gives_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTIC_CLOUD", "lab.yml")
    monkeypatch.setenv("MASTIC_STATE", "/srv/state")
    monkeypatch.setenv("NO_COLOR", "1")
    options = from_environment()
    assert (options.cloud, options.state, options.color) == (Path("lab.yml"), Path("/srv/state"), False)


def test_the_shipped_catalogue_is_there() -> None:
    assert (shipped_catalogue() / "_shared").is_dir()


def test_a_bug_leaves_its_trace_in_a_file() -> None:
    problem = bug("Traceback (most recent call last):\n  …\nZeroDivisionError: division by zero\n")
    assert problem.message == "this is a bug in mastic: `ZeroDivisionError: division by zero`"
    assert problem.hint is not None
    path = Path(problem.hint.split("the file ")[1].split(";")[0])
    assert "ZeroDivisionError" in path.read_text()
    path.unlink()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == ExitCode.DONE
    assert "_MASTIC_COMPLETE" in capsys.readouterr().out


def test_completion_offers_commands() -> None:
    environment = {"_MASTIC_COMPLETE": "bash_complete", "COMP_WORDS": "mastic ap", "COMP_CWORD": "1"}
    run = subprocess.run([sys.executable, "-m", "mastic"], env=environment, capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["plain,apply"]
