"""`python -m tests.hosts up|list|down`: hosts for whoever wants to log in and try."""

from __future__ import annotations

import argparse
import time

from tests.hosts import host, lab
from tests.hosts.root import Root, engine_root, fresh_root


def main() -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m tests.hosts", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command")
    up = commands.add_parser("up", help="make hosts and start them")
    up.add_argument("--hosts", type=int, default=3, help="how many (default: 3)")
    up.add_argument("--networks", type=int, default=1, help="networks that every host is in (default: 1)")
    up.add_argument("--suite", default="trixie", choices=("bookworm", "trixie"), help="release of Debian")
    up.add_argument("--fresh", action="store_true", help="without a container engine, as after an installation")
    commands.add_parser("list", help="say which hosts there are")
    down = commands.add_parser("down", help="destroy the hosts of a lab, or of all")
    down.add_argument("--lab", type=int, help="only this one")
    said = parser.parse_args()
    {"up": _up, "list": _list, "down": _down}[said.command](said)


def _up(said: argparse.Namespace) -> None:
    began = time.monotonic()
    root: Root = (fresh_root if said.fresh else engine_root)(said.suite)
    made = lab.make_lab(lab.Wanted({f"h{number}": root for number in range(1, said.hosts + 1)}, said.networks))
    lab.boot(made)
    print(f"lab {made.fabric.lab}: {said.hosts} hosts in {time.monotonic() - began:.1f} s")
    _show(made)


def _list(said: argparse.Namespace) -> None:
    for each in lab.labs():
        _show(each)


def _show(made: lab.Lab) -> None:
    for each in made.hosts:
        state = "on " if host.is_on(each) else "off"
        print(f"  {state} {each.name:8} {each.address():16} ssh -F {made.config} {each.name}")


def _down(said: argparse.Namespace) -> None:
    for each in lab.labs():
        if said.lab in (None, each.fabric.lab):
            lab.destroy(each)
            print(f"lab {each.fabric.lab} is gone")


if __name__ == "__main__":
    main()
