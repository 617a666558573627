"""A real registry for a test: the program of Debian's package `docker-registry`, unpacked and not installed."""

from __future__ import annotations

import http.client
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CONFIG = """\
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: %s}}
http: {addr: "127.0.0.1:%d"}
"""


def program(folder: Path) -> Path:
    """Path of the program; the machine's own mirrors have its package."""
    found = folder / "usr/bin/docker-registry"
    if not found.exists():
        folder.mkdir(parents=True, exist_ok=True)
        words = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", "docker-registry"]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        (package,) = folder.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
    return found


@contextmanager
def running(folder: Path, port: int) -> Iterator[str]:
    """The registry's address while it runs; its data lie below `folder`."""
    binary = program(folder)
    config = folder / f"{port}.yml"
    config.write_text(CONFIG % (folder / f"data{port}", port))
    with subprocess.Popen(
        [str(binary), "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            wait_until_it_answers(port)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()


def wait_until_it_answers(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/v2/")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
    pytest.fail("the registry does not answer")
