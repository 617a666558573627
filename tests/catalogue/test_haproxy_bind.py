"""The program behind `bind`, with the load balancer of the catalogue's own image and two small servers."""

from __future__ import annotations

import http.client
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.build.standing import standing

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).parents[2] / "catalogue/haproxy/image/haproxy_bind"
CONFIGURATION = """
global
    stats socket /run/haproxy/admin.sock mode 600 level admin
defaults
    mode http
    option redispatch 1
    retries 3
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout check 5s
    default-server check inter 2000ms fastinter 500ms downinter 250ms fall 3 rise 1
frontend api
    bind 127.0.0.1:{port}
    default_backend api
backend api
    balance leastconn
    option httpchk GET /
    server here-a 127.0.0.1:{a}
    server here-b 127.0.0.1:{b}
"""


@dataclass
class Server:
    """An API that says its name; `/slow` waits until it is let go."""

    name: str
    port: int
    asked: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def serving(self) -> Iterator[None]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_GET(self) -> None:
                if self.path == "/slow":
                    server.asked.set()
                    server.let_go.wait(30)
                self.send_response(200)
                self.send_header("Content-Length", str(len(server.name)))
                self.end_headers()
                self.wfile.write(server.name.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        listening = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        serving = threading.Thread(target=listening.serve_forever)
        serving.start()
        yield
        self.let_go.set()
        listening.shutdown()
        listening.server_close()
        serving.join()


@dataclass
class Scene:
    container: str
    port: int
    a: Server
    b: Server

    def bind(self, new: str, old: str, seconds: str = "20") -> subprocess.CompletedProcess[str]:
        program = ["/usr/bin/python3", "-I", "/haproxy_bind", "--socket", "/run/haproxy/admin.sock"]
        words = [*program, "--drain-seconds", seconds, "api", new, old]
        command = ["docker", "exec", self.container, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def get(self, path: str = "/") -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200
        text = answer.read().decode()
        connection.close()
        return text


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    base = 46000 + os.getpid() % 1000 * 3
    scene = Scene(f"bind{os.getpid()}", base, Server("a", base + 1), Server("b", base + 2))
    configuration = tmp_path / "haproxy.cfg"
    configuration.write_text(CONFIGURATION.format(port=base, a=base + 1, b=base + 2))
    configuration.chmod(0o644)
    tmp_path.chmod(0o755)
    (image,) = standing("haproxy")
    mounts = ["-v", f"{configuration}:/haproxy.cfg:ro", "-v", f"{PROGRAM}:/haproxy_bind:ro"]
    options = ["--rm", "-d", "--name", scene.container, "--network", "host", "--user", "haproxy", *mounts]
    command = ["docker", "run", *options, "--entrypoint", "haproxy", image, "-W", "-db", "-f", "/haproxy.cfg"]
    subprocess.run(command, check=True, capture_output=True)
    with scene.a.serving(), scene.b.serving():
        yield scene
    subprocess.run(["docker", "rm", "-f", scene.container], check=True, capture_output=True)


def test_waits_for_the_check_and_then_for_the_last_request(scene: Scene) -> None:
    assert scene.bind("here-a", "here-b").returncode == 0
    assert {scene.get() for _ in range(5)} == {"a"}
    slow: list[str] = []
    request = threading.Thread(target=lambda: slow.append(scene.get("/slow")))
    request.start()
    assert scene.a.asked.wait(10)
    bound: list[int] = []
    binding = threading.Thread(target=lambda: bound.append(scene.bind("here-b", "here-a").returncode))
    binding.start()
    binding.join(2)
    assert bound == [], "it must wait for the request that the old one still has"
    assert {scene.get() for _ in range(5)} == {"b"}
    scene.a.let_go.set()
    request.join(10)
    binding.join(10)
    assert (slow, bound) == (["a"], [0])


def test_new_one_that_does_not_serve_gets_nothing(scene: Scene) -> None:
    assert scene.bind("here-a", "here-b").returncode == 0
    assert scene.get() == "a"
    refused = scene.bind("here-nothing", "here-a")
    assert refused.returncode != 0
    assert "here-nothing" in refused.stdout + refused.stderr
    assert scene.get() == "a"


def test_request_that_never_ends_is_told(scene: Scene) -> None:
    assert scene.bind("here-a", "here-b").returncode == 0
    request = threading.Thread(target=lambda: scene.get("/slow"))
    request.start()
    assert scene.a.asked.wait(10)
    told = scene.bind("here-b", "here-a", seconds="1")
    assert (told.returncode, told.stdout) == (0, "1 requests have not ended in 1 s; they are cut off\n")
    scene.a.let_go.set()
    request.join(10)
