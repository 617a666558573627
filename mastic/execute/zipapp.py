"""mastic/agent/ → one file that any Python 3.9 or newer runs: the program that is carried to hosts."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import py_compile
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import mastic.agent

_TIME = (2026, 1, 1, 0, 0, 0)
"""Of every entry, so that the same sources make the same file."""
_ENTRY = "from mastic.agent.__main__ import run\n\nrun()\n"


def agent_zipapp(folder: Path) -> Path:
    """The packed agent in `folder`, made when it is not there yet; its name carries the digest of its sources."""
    sources = agent_sources()
    path = folder / f"mastic-agent-{_digest(sources)}.pyz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}.new")
        beside.write_bytes(b"")
        _pack(sources, beside)
        beside.replace(path)
    return path


def agent_sources() -> dict[str, str]:
    """Path inside the archive → text."""
    package = Path(str(mastic.agent.__file__)).parent
    modules = {f"mastic/agent/{path.name}": path.read_text() for path in sorted(package.glob("*.py"))}
    return {"__main__.py": _ENTRY, "mastic/__init__.py": "", **modules}


def _digest(sources: dict[str, str]) -> str:
    cached = f"{importlib.util.MAGIC_NUMBER!r}{sys.implementation.cache_tag}"
    return hashlib.sha256(repr((cached, sorted(sources.items()))).encode()).hexdigest()[:16]


def _pack(sources: dict[str, str], path: Path) -> None:
    """Sources for any Python, and bytecode for this one: without it each start would compile for 0.15 s."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(sources.items()):
            archive.writestr(zipfile.ZipInfo(name, _TIME), text)
            archive.writestr(zipfile.ZipInfo(f"{name}c", _TIME), _bytecode(name, text))


def _bytecode(name: str, text: str) -> bytes:
    """Compiled module that is never compared with its source."""
    with TemporaryDirectory() as folder:
        source, compiled = Path(folder, "module.py"), Path(folder, "module.pyc")
        source.write_text(text)
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(source), str(compiled), dfile=name, doraise=True, invalidation_mode=mode)
        return compiled.read_bytes()
