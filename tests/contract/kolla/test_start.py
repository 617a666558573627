"""Scenarios of kolla_start in real containers: the whole start sequence, as root and as a service's user."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mastic.build.builder import build_images
from mastic.build.engine import find_engine
from mastic.build.graph import image_graph
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud

from .conftest import REPOSITORY

pytestmark = pytest.mark.engine

CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
"""What the start of a service's user needs, for sudo and for giving files away."""
Start = Callable[..., subprocess.CompletedProcess[str]]


class Nobody:
    """A feed that nobody listens to."""

    def ready(self, reference: str) -> None:
        pass

    def failed(self, reference: str, why: str) -> None:
        pass


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    graph = image_graph(load_catalogue(REPOSITORY / "catalogue"), load_cloud(REPOSITORY / "examples/laptop/cloud.yml"))
    build_images(graph, ("base", "memcached"), Nobody(), lambda event: None, tmp_path_factory.mktemp("logs"))
    return graph.references


@pytest.fixture
def start(images: dict[str, str], tmp_path: Path) -> Start:
    """Start an image with a description; configuration is readable by root alone, as on a host."""

    def run(image: str, description: dict[str, Any], *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "config.json").write_text(json.dumps(description))
        (tmp_path / "config.json").chmod(0o600)
        tmp_path.chmod(0o700)
        capabilities = [f"--cap-add={name}" for name in CAPABILITIES]
        command = ["run", "--rm", "--network=none", "--cap-drop=ALL", *capabilities]
        mount = f"--volume={tmp_path}:/var/lib/kolla/config_files:ro"
        strategy = "--env=KOLLA_CONFIG_STRATEGY=COPY_ALWAYS"
        return subprocess.run(
            find_engine().command(*command, mount, strategy, *options, images[image]),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_words_are_split_and_quotes_survive(start: Start) -> None:
    words = ["a b", "$HOME", "*", "it's", ""]
    command = "python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' 'a b' $HOME '*' \"it's\" ''"
    done = start("base", {"command": command})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == words


def test_exit_code_is_the_commands(start: Start) -> None:
    assert start("base", {"command": "sh -c 'exit 7'"}).returncode == 7


def test_command_that_does_not_exist_is_named(start: Start) -> None:
    done = start("base", {"command": "no-such-program --flag"})
    assert done.returncode != 0
    assert "cannot run `no-such-program`" in done.stderr


def test_wrong_description_stops_the_start(start: Start) -> None:
    done = start("base", {"command": "echo started", "typo": 1})
    assert done.returncode == 1
    assert "unknown key `typo`" in done.stderr
    assert "started" not in done.stdout


def test_a_services_user_gets_its_files_and_runs_as_itself(start: Start, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("only mine")
    (tmp_path / "secret").chmod(0o600)
    source = "/var/lib/kolla/config_files/secret"
    files = [{"source": source, "dest": "/etc/memcached/secret", "owner": "memcached", "perm": "0600"}]
    done = start("memcached", {"command": "sh -c 'id -un; cat /etc/memcached/secret'", "config_files": files})
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["memcached", "only mine"]


def test_a_services_user_may_become_root_for_nothing_else(start: Start) -> None:
    done = start("memcached", {"command": "sh -c 'sudo -n id; sudo -n kolla_set_configs --other; echo over'"})
    assert "uid=0" not in done.stdout
    assert done.stdout.splitlines()[-1] == "over"


def test_extension_is_skipped_when_asked_even_with_an_empty_word(start: Start, tmp_path: Path) -> None:
    extension = tmp_path / "extend"
    extension.write_text("echo extended; exit 3\n")
    mount = f"--volume={extension}:/usr/local/bin/kolla_extend_start:ro"
    assert start("base", {"command": "true"}, mount).returncode == 3
    assert start("base", {"command": "true"}, mount, "--env=KOLLA_SKIP_EXTEND_START=").returncode == 0


def test_own_authorities_are_trusted(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "ca-certificates"
    folder.mkdir()
    found = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=own"],
        capture_output=True,
        text=True,
        check=True,
    )
    (folder / "own.crt").write_text(found.stdout)
    done = start("base", {"command": "ls /usr/local/share/ca-certificates /etc/ssl/certs"})
    assert "kolla-customca-own.crt" in done.stdout
    assert "kolla-customca-own.pem" in done.stdout


@pytest.mark.parametrize(
    ("check", "code"),
    [
        ("healthcheck_filemod /run_command 60", 0),
        ("healthcheck_filemod /etc/passwd -1", 1),
        ("healthcheck_filemod /none 60", 1),
        ("healthcheck_listen python3 8000", 0),
        ("healthcheck_listen python3 8001", 1),
        ("healthcheck_listen memcached 8000", 1),
        ("healthcheck_curl http://127.0.0.1:8000/", 0),
        ("healthcheck_curl http://127.0.0.1:8000/none", 22),
        ("healthcheck_socket python3 /tmp/s", 0),
        ("healthcheck_socket python3 /tmp/other", 1),
        ("healthcheck_port python3 8000", 1),
        ("healthcheck_curl", 2),
    ],
)
def test_health_checks(start: Start, check: str, code: int) -> None:
    serve = (
        "import http.server, socket, subprocess, sys, threading\n"
        "s = socket.socket(socket.AF_UNIX); s.bind('/tmp/s'); s.listen()\n"
        "h = http.server.HTTPServer(('127.0.0.1', 8000), http.server.SimpleHTTPRequestHandler)\n"
        "threading.Thread(target=h.serve_forever, daemon=True).start()\n"
        f"sys.exit(subprocess.run({check.split()!r}).returncode)"
    )
    done = start("base", {"command": f'python3 -c "{serve}"'})
    assert done.returncode == code, done.stderr
