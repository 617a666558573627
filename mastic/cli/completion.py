"""`mastic completion`: the script that makes a shell complete mastic's words."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    bash: eval "$(mastic completion bash)" in ~/.bashrc. zsh: the same in ~/.zshrc. fish: mastic completion fish >
    ~/.config/fish/completions/mastic.fish.
    """
    from click.shell_completion import get_completion_class

    from mastic.cli.main import mastic

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(mastic, {}, "mastic", "_MASTIC_COMPLETE").source())
