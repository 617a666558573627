"""`python3 -I mastic-agent.pyz SUBCOMMAND`: one program (JSON, one line) on stdin, JSON lines on stdout."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NoReturn

from mastic.agent.archive import read_manifest
from mastic.agent.checking import check_jobs
from mastic.agent.cleanup import cleanup
from mastic.agent.docker import SOCKET, Docker
from mastic.agent.engine import EngineError, EngineTimeout
from mastic.agent.journal import Journal
from mastic.agent.keep import collect, keep, kept
from mastic.agent.kvm import start_probe
from mastic.agent.notices import Answers, Notices
from mastic.agent.observe import Site, observe, our_volumes
from mastic.agent.perform import Performance
from mastic.agent.prepare import prepare
from mastic.agent.records import Busy
from mastic.agent.relocate import settle_moves
from mastic.agent.restore import settle_restore
from mastic.agent.space import in_words
from mastic.agent.tree import size_of
from mastic.agent.verbs import Work

if TYPE_CHECKING:
    from mastic.agent.perform import Ended

TIMED_OUT = 124


def main(arguments: list[str]) -> int:
    """Exit code: 0 done, 1 an error that is told on stdout, 3 a step failed."""
    if len(arguments) != 1 or arguments[0] not in SUBCOMMANDS:
        sys.stderr.write(f"usage: mastic-agent.pyz {'|'.join(SUBCOMMANDS)} < program\n")
        return 1
    program = json.loads(sys.stdin.readline())
    try:
        return SUBCOMMANDS[arguments[0]](program)
    except (EngineError, Busy) as error:
        answer({"error": str(error)})
    except OSError as error:
        answer({"error": in_words(error, program["paths"].values())})
    return 1


def answer(data: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(data, sort_keys=True) + "\n")
    sys.stdout.flush()


def engine_of(program: dict[str, Any]) -> Docker:
    return Docker(program.get("engine_socket") or SOCKET)


def observe_command(program: dict[str, Any]) -> int:
    probe = start_probe()  # before any thread: it forks
    answer({"host": observe(engine_of(program), Site.of(program), probe)})
    return 0


def perform_command(program: dict[str, Any]) -> int:
    site = Site.of(program)
    with site.records.only_one():
        journal = Journal(site.records.folder / "journal.jsonl")
        ended: Ended = SimpleQueue()
        notices = Notices(lambda: ended.put(None))
        answers = Answers(sys.stdout, notices.stop)
        performance = Performance(Work(engine_of(program), program, site, notices), journal, answers.say, ended)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: notices.stop())
        threading.Thread(target=notices.listen, args=(sys.stdin,), daemon=True).start()
        journal.write(run=program.get("run", ""), state="started", steps=len(program["steps"]))
        settle_restore(site.records)
        settle_moves(performance.work.engine, site.records)
        result = performance.run()
        journal.write(run=program.get("run", ""), state="ended", failed=result["failed"])
        answers.say({"result": result})
    return 3 if result["failed"] or result["skipped"] else 0


def check_command(program: dict[str, Any]) -> int:
    site = Site.of(program)
    with site.records.only_one():
        answer({"wrong": check_jobs(Work(engine_of(program), program, site, Notices(lambda: None)))})
    return 0


def logs_command(program: dict[str, Any]) -> int:
    engine, container, lines = engine_of(program), program["container"], int(program["lines"])
    read = engine.follow if program.get("follow") else engine.logs
    for line in read(container, lines):
        answer({"line": line})
    return 0


def exec_command(program: dict[str, Any]) -> int:
    argv, seconds = program["argv"], float(program["seconds"])
    try:
        code, output = engine_of(program).execute(program["container"], argv, program.get("user"), seconds)
    except EngineTimeout:
        code, output = TIMED_OUT, f"did not end in {seconds:.0f} s"
    answer({"code": code, "output": output})
    return 0


def cleanup_command(program: dict[str, Any]) -> int:
    answer({"left": cleanup(engine_of(program), Site.of(program))})
    return 0


def keep_command(program: dict[str, Any]) -> int:
    answer(keep(program, Site.of(program).records))
    return 0


def kept_command(program: dict[str, Any]) -> int:
    answer(kept(Site.of(program).records))
    return 0


def sizes_command(program: dict[str, Any]) -> int:
    ours = our_volumes(engine_of(program), Site.of(program))
    answer({"sizes": {name: size_of(Path(volume.path)) for name, volume in ours.items()}})
    return 0


def prepare_command(program: dict[str, Any]) -> int:
    answer({"prepared": prepare(engine_of(program), lambda what: answer({"told": what}))})
    return 0


def manifest_command(program: dict[str, Any]) -> int:
    found = read_manifest(Path(program["archive"]))
    answer({**found, "volumes": {name: each["digest"] for name, each in found["volumes"].items()}})
    return 0


def collect_command(program: dict[str, Any]) -> int:
    answer(collect(program, engine_of(program)))
    return 0


SUBCOMMANDS: dict[str, Callable[[dict[str, Any]], int]] = {
    "observe": observe_command,
    "perform": perform_command,
    "check": check_command,
    "logs": logs_command,
    "exec": exec_command,
    "cleanup": cleanup_command,
    "keep": keep_command,
    "kept": kept_command,
    "collect": collect_command,
    "sizes": sizes_command,
    "manifest": manifest_command,
    "prepare": prepare_command,
}


def run() -> NoReturn:
    """The whole process."""
    code = main(sys.argv[1:])
    sys.stdout.flush()
    # Not sys.exit: a thread may still wait for stdin, and the interpreter would wait for it in turn.
    os._exit(code)


if __name__ == "__main__":
    run()
