"""Options that every command takes, before or after its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mastic.pipeline import Where

PACKAGE = Path(__file__).resolve().parents[1]
Command = TypeVar("Command", bound=Callable[..., Any])


def shipped_catalogue() -> Path:
    """The catalogue inside the installed package, else the one of the repository beside it."""
    installed = PACKAGE / "_catalogue"
    return installed if installed.is_dir() else PACKAGE.parent / "catalogue"


@dataclass(frozen=True)
class Options:
    """What was said on the command line or in the environment."""

    cloud: Path = Path("cloud.yml")
    catalogue: Path = field(default_factory=shipped_catalogue)
    state: Path = Path("/var/lib/mastic")
    vault_password: Path = Path("/etc/mastic/vault-password")
    json: bool = False
    color: bool = True

    def where(self) -> Where:
        """The places the main path works with."""
        from mastic.pipeline import Where

        return Where(self.cloud, self.catalogue, self.state, self.vault_password)


def from_environment() -> Options:
    """Defaults, as the environment changes them."""
    names = {"cloud": "MASTIC_CLOUD", "state": "MASTIC_STATE", "vault_password": "MASTIC_VAULT_PASSWORD_FILE"}
    said = {field: Path(os.environ[name]) for field, name in names.items() if os.environ.get(name)}
    return replace(Options(), color=not os.environ.get("NO_COLOR"), **said)  # type: ignore[arg-type]


def remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Put an option that was said into the context's Options; the innermost wins."""
    if value is None or value is False:
        return
    options = context.obj or from_environment()
    name = str(parameter.name)
    context.obj = replace(options, **({"color": False} if name == "no_color" else {name: value}))


def shared(flag: str, help: str, **how: Any) -> Callable[[Command], Command]:
    """An option that is kept in Options and not handed to the function."""
    return click.option(flag, help=help, expose_value=False, callback=remember, **how)


def common_options(command: Command) -> Command:
    """Add the options every command takes."""
    path = click.Path(path_type=Path)
    for add in (
        shared("--no-color", "Write without colour, as with NO_COLOR.", is_flag=True),
        shared("--json", "Write JSON on standard output.", is_flag=True),
        shared("--state", "Folder with one folder of state per cloud, else $MASTIC_STATE.", type=path, metavar="DIR"),
        shared("--catalogue", "The catalogue of services; default is the one shipped.", type=path, metavar="DIR"),
        shared("--cloud", "The cloud definition, else $MASTIC_CLOUD, else ./cloud.yml.", type=path, metavar="FILE"),
    ):
        command = add(command)
    return command


def options_of(context: click.Context) -> Options:
    """The options in force for a command."""
    found = context.obj or from_environment()
    assert isinstance(found, Options)
    return found
