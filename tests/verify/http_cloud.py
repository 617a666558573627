"""A real HTTP server that plays the identity service and one API, for the parts of verification that only need HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """Answers `/status/<number>` with that number and a token request with a catalogue."""

    server: HttpCloud

    def do_GET(self) -> None:
        number = self.path.rpartition("/")[2]
        if number.isdigit():
            self.answer(int(number), {})
        else:
            self.answer(200, {"version": self.server.version()})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201, {"token": self.server.token()}, {"X-Subject-Token": "a-token"})

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on stderr."""


class HttpCloud(ThreadingHTTPServer):
    """Listens on a free port of the loopback; `statuses` are what its catalogue's endpoints answer."""

    statuses: tuple[int, ...] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def version(self) -> dict[str, Any]:
        """What the identity service says about itself."""
        return {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": f"{self.url}/v3/"}]}

    def token(self) -> dict[str, Any]:
        """The token's body."""
        services = [
            {"type": "test", "name": f"api-{status}", "id": str(status), "endpoints": [self.endpoint(status)]}
            for status in self.statuses
        ]
        return {
            "methods": ["password"],
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "user": {"id": "u", "name": "admin", "domain": {"id": "default", "name": "Default"}},
            "catalog": services,
        }

    def endpoint(self, status: int) -> dict[str, str]:
        """One endpoint of the catalogue."""
        url = f"{self.url}/status/{status}"
        return {"id": url, "interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": url}


@contextmanager
def http_cloud(*statuses: int) -> Iterator[HttpCloud]:
    """Serve until the block ends."""
    with HttpCloud(("127.0.0.1", 0), Handler) as server:
        server.statuses = statuses
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
