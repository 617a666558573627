"""Desired × options that images declare → what override files say wrongly, before anything is changed; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from mastic.errors import Place, Problem, did_you_mean
from mastic.model.desired import ConfigFile, Desired
from mastic.model.options import DeclaredOption, DeclaredOptions, OptionSource
from mastic.model.overrides import Said
from mastic.resolve.ini import Dialect, by_key, parse_ini
from mastic.resolve.option_value import complaint

_OSLO = Dialect(oslo=True)


@dataclass(frozen=True)
class Knowledge:
    """Options of one image and how sections of configuration's own making are read."""

    image: str
    """Its name in the catalogue."""
    declared: DeclaredOptions
    source: OptionSource

    def section(self, name: str) -> dict[str, DeclaredOption] | None:
        """Options of a section; None when it is not known."""
        sections = self.declared.sections
        alias = next((to for pattern, to in self.source.sections.items() if fnmatchcase(name, pattern)), None)
        return next((sections[each] for each in (name, name.lower(), alias) if each in sections), None)

    def option(self, section: str, name: str) -> DeclaredOption | None:
        options = self.section(section) or {}
        plain = name.replace("-", "_")
        return options.get(plain) or next((each for each in options.values() if name in each.also), None)

    def renamed(self, section: str, name: str) -> tuple[str, str] | None:
        """Section and name that an old name stands for now."""
        plain = name.replace("-", "_")
        for new_section, options in self.declared.sections.items():
            for new_name, option in options.items():
                if any((old or new_section, word) == (section, plain) for old, word in option.old_names):
                    return new_section, new_name
        return None


@dataclass
class Findings:
    """What a check of options found."""

    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    """References of images whose options are not known yet."""


@dataclass(frozen=True)
class _Use:
    """An option of an override file as one configuration file takes it in."""

    said: Said
    file: ConfigFile


def images_to_ask(desired: Desired) -> tuple[str, ...]:
    """References of the images whose declared options decide about the override files of the cloud."""
    files = (file for workload in desired.workloads for file in workload.files if file.layers)
    return tuple(sorted({file.options_of for file in files if file.options_of}))


def check_options(desired: Desired, known: Mapping[str, Knowledge]) -> Findings:
    """Every option that override files say, against the images (by reference) that read it.

    An option that one of its readers knows is right: `global.conf` is read by all. It is unknown only when all of its
    readers are known and none has it.
    """
    findings = Findings()
    for uses in _uses(desired).values():
        readers = {use.file.options_of: use for use in uses if use.file.options_of}
        findings.unread |= readers.keys() - known.keys()
        _judge(findings, [(known[image], use) for image, use in readers.items() if image in known], len(readers))
    findings.errors = _once_per_section(findings.errors)
    findings.warnings = list(dict.fromkeys(findings.warnings))
    return findings


def _uses(desired: Desired) -> dict[tuple[Place, ...], list[_Use]]:
    """Lines of override files → the files that take them in."""
    found: dict[tuple[Place, ...], list[_Use]] = {}
    for workload in desired.workloads:
        for file in workload.files:
            for layer in file.layers if file.options_of else ():
                for said in layer.said:
                    found.setdefault(said.places, []).append(_Use(said, file))
    return found


def _judge(findings: Findings, readers: list[tuple[Knowledge, _Use]], expected: int) -> None:
    strangers: list[Knowledge] = []
    for knowledge, use in readers:
        option = knowledge.option(use.said.section, use.said.option)
        renamed = knowledge.renamed(use.said.section, use.said.option) if option is None else None
        if option is not None:
            findings.errors += _wrong(use.said, option)
            findings.warnings += _leaving(use.said, option)
        elif renamed is not None:
            _tell_renamed(findings, use, renamed)
            findings.errors += _wrong(use.said, knowledge.declared.sections[renamed[0]][renamed[1]])
        else:
            strangers.append(knowledge)
    if strangers and len(strangers) == expected:
        findings.errors.append(_unknown(readers[0][1].said, strangers))


def _wrong(said: Said, option: DeclaredOption) -> Iterator[Problem]:
    if len(said.values) > 1 and not option.multi:
        message = f"`{said.option}` in `[{said.section}]` takes one value; it is said {len(said.values)} times"
        yield Problem(message, said.places[1], f"keep one line; only the last would count: `{said.values[-1]}`")
    for value, place in zip(said.values, said.places, strict=True):
        if wrong := complaint(option.type, value):
            choices = [choice for choice in option.type.choices if choice]
            message = f"`{said.option}` in `[{said.section}]` {wrong}; it is `{value}`"
            yield Problem(message, place, did_you_mean(value, choices))


def _leaving(said: Said, option: DeclaredOption) -> Iterator[Problem]:
    if option.removal is not None:
        message = f"`{said.option}` in `[{said.section}]` is deprecated: {option.removal}"
        yield Problem(message, said.places[0], "an upgrade may ignore or refuse it")


def _tell_renamed(findings: Findings, use: _Use, renamed: tuple[str, str]) -> None:
    """An old name counts as long as nobody says the new one in the same file."""
    said, (section, name) = use.said, renamed
    entries = parse_ini(use.file.content, _OSLO, lambda line: Place(use.file.name, line))
    if _OSLO.key(section, name) in by_key(entries, _OSLO):
        message = f"`{said.option}` in `[{said.section}]` has no effect: the file says `{name}` in `[{section}]` too"
        findings.errors.append(Problem(message, said.places[0], f"say `{name}` in `[{section}]` instead"))
    else:
        message = f"`{said.option}` in `[{said.section}]` is the old name of `{name}` in `[{section}]`"
        findings.warnings.append(Problem(message, said.places[0], f"say `{name}` in `[{section}]` instead"))


def _unknown(said: Said, readers: list[Knowledge]) -> Problem:
    """None of the readers has it: what may have been meant."""
    plain = said.option.replace("-", "_")
    known: dict[str, set[str]] = {}
    for reader in readers:
        for section, options in reader.declared.sections.items():
            known.setdefault(section, set()).update(options)
    place = said.places[0]
    if not any(reader.section(said.section) is not None for reader in readers):
        message = f"nothing that reads this file knows the section `[{said.section}]`"
        return Problem(message, place, did_you_mean(said.section, known))
    message = f"nothing that reads this file knows the option `{said.option}` in `[{said.section}]`"
    if homes := sorted(section for section, options in known.items() if plain in options):
        return Problem(message, place, f"it belongs into {' or '.join(f'`[{each}]`' for each in homes[:3])}")
    own = [option for reader in readers for option in reader.section(said.section) or ()]
    return Problem(message, place, did_you_mean(plain, sorted(set(own))))


def _once_per_section(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once, and one for all options of a section that does not exist."""
    found: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        place = problem.place or Place("")
        line = "" if "knows the section" in problem.message else str(place.line)
        found.setdefault((problem.message, f"{place.where}:{line}"), problem)
    return list(found.values())
