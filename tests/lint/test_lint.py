"""mastic lint and mastic new-service, on copies of the shipped catalogue."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mastic.cli.main import main
from mastic.cli.options import shipped_catalogue
from mastic.errors import ExitCode, InputError
from mastic.lint.lint import lint
from mastic.lint.new_service import new_service


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped_catalogue(), tmp_path / "catalogue"))


def test_the_shipped_catalogue_has_no_problem() -> None:
    assert [str(problem) for problem in lint(shipped_catalogue())] == []


@pytest.mark.parametrize("name", ["greeter", "two-words"])
def test_a_new_service_passes(catalogue: Path, name: str) -> None:
    before = (catalogue / "_shared" / "users.yml").read_text()
    files = new_service(catalogue, name)
    assert all(file.is_file() for file in files)
    assert lint(catalogue, [name]) == []
    after = (catalogue / "_shared" / "users.yml").read_text()
    assert after.startswith(before) and after[len(before) :].startswith(f"{name}: [")


def test_two_new_services_do_not_clash(catalogue: Path) -> None:
    new_service(catalogue, "first")
    new_service(catalogue, "second")
    assert lint(catalogue, ["first", "second"]) == []


@pytest.mark.parametrize(("name", "message"), [("Greeter", "cannot be the name"), ("glance", "already")])
def test_names_that_cannot_be_taken(catalogue: Path, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        new_service(catalogue, name)


@pytest.mark.parametrize(
    ("file", "text", "message", "place"),
    [
        ("service.yml", "sumary: x\n", "unknown key `sumary`", "greeter/service.yml:"),
        ("templates/index.html.j2", "{{ settings.greting }}\n", "greting", "greeter/templates/index.html.j2:"),
        ("templates/spare.j2", "x\n", "no file is made from template `spare.j2`", "greeter/templates/spare.j2"),
        (
            "cases/wrong.yml",
            "expect: {index.html: [never there]}\n",
            "does not hold `never there`",
            "cases/wrong.yml:1",
        ),
        ("cases/lost.yml", "expect: {lost.conf: [x]}\n", "has no file `lost.conf`", "cases/lost.yml:1"),
        ("cases/typo.yml", "settings: {greting: x}\n", "greting", "cases/typo.yml"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(catalogue: Path, file: str, text: str, message: str, place: str) -> None:
    new_service(catalogue, "greeter")
    with (catalogue / "greeter" / file).open("a") as appended:
        appended.write(text)
    told = [str(problem) for problem in lint(catalogue, ["greeter"])]
    assert any(message in problem and place in problem for problem in told), told


def test_a_missing_page_for_operators_is_told(catalogue: Path) -> None:
    new_service(catalogue, "greeter")
    (catalogue / "greeter" / "README.md").unlink()
    assert "has no page for operators" in str(lint(catalogue, ["greeter"])[0])


def test_lint_of_an_unknown_service(catalogue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--catalogue", str(catalogue), "lint", "glanse"]) == ExitCode.USER_PROBLEM
    assert "did you mean `glance`?" in capsys.readouterr().err


def test_new_service_on_the_command_line(catalogue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--catalogue", str(catalogue), "new-service", "greeter"]) == ExitCode.DONE
    shown = capsys.readouterr()
    assert str(catalogue / "greeter" / "service.yml") in shown.out.splitlines()
    assert "mastic lint greeter" in shown.err
    assert main(["--catalogue", str(catalogue), "lint", "greeter"]) == ExitCode.DONE


def test_a_lock_without_what_an_image_installs(catalogue: Path) -> None:
    path = catalogue / "_shared/locks/2025.1.txt"
    path.write_text(path.read_text().replace("glance==30", "glanze==30").replace("keystone==27", "keystone==26"))
    said = [str(problem) for problem in lint(catalogue)]
    assert any("image `glance-api`: the lock of 2025.1 has no `glance`" in each and "`glanze`" in each for each in said)
    assert any("does not fit: it lacks the project `glance`" in each for each in said)
    assert any("it has `keystone` 26" in each and "`mastic lock 2025.1`" in each for each in said)
