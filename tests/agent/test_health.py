"""Every kind of health against small real servers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mastic.agent.docker import Docker
from mastic.agent.health import Subject, Unhealthy

Talk = Callable[[socket.socket], None]


@contextmanager
def server(talk: Talk) -> Iterator[str]:
    """Accepts one connection, talks, closes; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield "127.0.0.1:%d" % listener.getsockname()[1]  # noqa: UP031
        thread.join()


def probe(**health: object) -> None:
    Subject(Docker("/nonexistent"), "x", health).probe()


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


MYSQL = b"\x4a\x00\x00\x00\x0a11.8.2-MariaDB"
AMQP = b"\x01\x00\x00\x00\x00\x02\x00\x00\x0a\x00\x0a\x00\x09"


def test_mysql_greets() -> None:
    with server(lambda connection: connection.sendall(MYSQL)) as address:
        probe(tcp=address, handshake="mysql")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request", b"\x10\x00\x00\x00\xff\x15\x04Host is blocked"])
def test_not_mysql(said: bytes) -> None:
    with server(lambda connection: connection.sendall(said)) as address, pytest.raises(Unhealthy, match="greet"):
        probe(tcp=address, handshake="mysql")


def amqp_broker(answer: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        assert connection.recv(8) == b"AMQP\x00\x00\x09\x01"
        connection.sendall(answer)

    return talk


def test_amqp_starts_a_connection() -> None:
    with server(amqp_broker(AMQP)) as address:
        probe(tcp=address, handshake="amqp")


@pytest.mark.parametrize("said", [b"", b"AMQP\x00\x00\x08\x00"])
def test_not_amqp(said: bytes) -> None:
    with server(amqp_broker(said)) as address, pytest.raises(Unhealthy, match="AMQP"):
        probe(tcp=address, handshake="amqp")


def test_tcp_accepts() -> None:
    with server(lambda connection: None) as address:
        probe(tcp=address)


@pytest.mark.parametrize("kind", [{}, {"handshake": "mysql"}, {"handshake": "amqp"}])
def test_nobody_listens(kind: dict[str, str]) -> None:
    with pytest.raises(Unhealthy, match="refused"):
        probe(tcp=free_address(), **kind)


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Tests do not talk."""


@pytest.fixture
def web() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


@pytest.mark.parametrize("status", [200, 204, 300, 302])
def test_http_below_400(web: str, status: int) -> None:
    probe(http=f"{web}/{status}")


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_http_from_400(web: str, status: int) -> None:
    with pytest.raises(Unhealthy, match=str(status)):
        probe(http=f"{web}/{status}")


def test_http_nobody_there() -> None:
    with pytest.raises(Unhealthy, match="refused"):
        probe(http=f"http://{free_address()}/")


def test_https_spoken_to_a_plain_server(web: str) -> None:
    with pytest.raises(Unhealthy, match="does not answer"):
        probe(http=web.replace("http:", "https:"))
