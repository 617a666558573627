"""`mastic lock`: versions and hashes of every Python distribution of a release."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mastic.cli.options import common_options, options_of
from mastic.errors import ExitCode, InputError, Place, Problem

if TYPE_CHECKING:
    from mastic.build.resolver import Newer, Wish
    from mastic.build.vulnerable import Vulnerable
    from mastic.cli.session import Shown


@click.command("lock")
@click.argument("release", nargs=-1)
@click.option("--upgrade", is_flag=True, help="Take the newest versions also where a lock has one that fits.")
@click.option("--check", is_flag=True, help="Change nothing; say what is newer or known to be vulnerable, exit code 2.")
@click.option("--python", metavar="3.N", help="For bases whose Python is not the catalogue's own.")
@click.option("--database", metavar="URL", help="Another database of vulnerabilities (OSV's `querybatch`).")
@common_options
@click.pass_context
def command(  # noqa: PLR0917 - one parameter per word of the command line
    context: click.Context,
    release: tuple[str, ...],
    upgrade: bool,
    check: bool,
    python: str | None,
    database: str | None,
) -> int:
    """Make the catalogue's lock of each RELEASE; with --check look at those there are.

    What a release consists of stands in `_shared/releases.yml` of the catalogue.
    """
    from mastic.build.vulnerable import DATABASE
    from mastic.cli.session import answering

    options = options_of(context)
    names = release or all_locked(options.catalogue, python)
    wishes = [wish_for(options.catalogue, name, upgrade or check, python) for name in names]
    if not release and not check:
        raise InputError(Problem("say which release to lock", hint=f"known: {', '.join(each.name for each in wishes)}"))
    with answering(options) as report:
        if check:
            return look(wishes, report, database or DATABASE, options.json)
        for each in wishes:
            report.say(f"resolving {each.name} for Python {each.python}")
            path = write(options.catalogue, each)
            report.data({"lock": str(path)} if options.json else str(path))
    return ExitCode.DONE


def path_of(catalogue: Path, release: str, python: str | None) -> Path:
    """Where the lock of a release lies; those of another Python than the catalogue's in a folder of their own."""
    from mastic.load.releases import load_releases

    folder = catalogue / "_shared" / "locks"
    if python and python != load_releases(catalogue / "_shared").python:
        folder /= f"python{python}"
    return folder / f"{release}.txt"


def all_locked(catalogue: Path, python: str | None) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in path_of(catalogue, "any", python).parent.glob("*.txt")))


def wish_for(catalogue: Path, name: str, upgrade: bool, python: str | None) -> Wish:
    """What lock of that release is wanted; raises InputError for an unknown one."""
    from mastic.build.resolver import Wish, today
    from mastic.load.releases import find_release, load_releases

    shared = catalogue / "_shared"
    releases = load_releases(shared)
    path = path_of(catalogue, name, python)
    known = path.read_text(encoding="utf-8") if path.is_file() else ""
    release = find_release(releases, name, shared)
    return Wish(name, release, releases.roots, python or releases.python, today(), known, upgrade)


def write(catalogue: Path, wanted: Wish) -> Path:
    """Make the lock and put it in its place at once."""
    from mastic.build.resolver import lock_text

    path = path_of(catalogue, wanted.name, wanted.python)
    text = lock_text(wanted)
    fresh = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        hint = "copy the catalogue and name the copy with `--catalogue`"
        raise InputError(Problem(f"cannot write the lock: {error.strerror}", Place(str(path)), hint)) from None
    return path


def look(wishes: list[Wish], report: Shown, database: str, as_json: bool) -> int:
    """Say what is newer and what is vulnerable; the exit code."""
    from mastic.build.lock import parse_lock
    from mastic.build.resolver import what_is_newer
    from mastic.build.vulnerable import NotReached, vulnerable

    code, answers = ExitCode.DONE, {}
    for wanted in wishes:
        report.say(f"looking at the lock of {wanted.name}")
        newer = what_is_newer(wanted)
        not_looked = None
        known: list[Vulnerable] = []
        try:
            known = vulnerable(parse_lock(wanted.known), database)
        except NotReached as error:
            not_looked = str(error)
        answers[wanted.name] = (
            as_data(newer, known, not_looked) if as_json else as_text(wanted, newer, known, not_looked)
        )
        code = ExitCode.PLAN_NOT_EMPTY if newer or known else code
    report.data(answers if as_json else "\n".join(str(answer) for answer in answers.values()))
    return code


def as_data(newer: list[Newer], known: list[Vulnerable], not_looked: str | None) -> dict[str, object]:
    return {
        "newer": [{"name": each.name, "locked": each.locked, "newest": each.newest} for each in newer],
        "vulnerable": None
        if not_looked
        else [{"name": e.name, "version": e.version, "advisories": e.advisories} for e in known],
        "could_not_look": not_looked,
    }


def as_text(wanted: Wish, newer: list[Newer], known: list[Vulnerable], not_looked: str | None) -> str:
    held = f" (libraries are held at {wanted.release.libraries})" if wanted.release.libraries else ""
    lines = [f"{wanted.name}: {len(newer)} newer{held}"]
    lines += [f"  {each.name:30} {each.locked or 'not there'} → {each.newest or 'no longer needed'}" for each in newer]
    if not_looked:
        lines.append(f"  vulnerabilities: could not look, the database did not answer ({not_looked})")
    else:
        lines.append(f"  vulnerabilities: {len(known) or 'none known'}")
    lines += [f"  {each.name:30} {each.version}  {', '.join(each.advisories)}" for each in known]
    return "\n".join(lines)
