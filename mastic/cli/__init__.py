"""The command line: one file per command; this file only finds them and turns errors into exit codes."""

from mastic.cli.main import main

__all__ = ["main"]
