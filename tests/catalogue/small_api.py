"""A small OpenStack in one process: identity, and collections that remember what was posted to them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 2


class SmallApi(ThreadingHTTPServer):
    """What was asked stands in `requests`; `refusals` are statuses for the next posts."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.collections: dict[str, list[dict[str, Any]]] = {}
        self.requests: list[str] = []
        self.refusals: list[int] = []
        self.uploads: dict[str, bytes] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def changes(self) -> list[str]:
        return [request for request in self.requests if not request.startswith("GET")]


class Handler(BaseHTTPRequestHandler):
    server: SmallApi

    def log_message(self, format: str, *args: Any) -> None:
        """The test says what matters."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path in ("/identity", "/identity/v3"):
            version = {
                "id": "v3.14",
                "status": "stable",
                "links": [{"rel": "self", "href": f"{self.server.url}/identity/v3"}],
            }
            return self.answer(200, {"version": version})
        self.server.requests.append(f"GET {self.path}")
        name = parts.path.rsplit("/", 1)[-1]
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        start = int(query.pop("start", 0))
        found = [each for each in self.server.collections.get(name, []) if query.items() <= each.items()]
        body: dict[str, Any] = {name: found[start : start + PAGE]}
        if len(found) > start + PAGE:
            body[f"{name}_links"] = [{"rel": "next", "href": f"{self.server.url}{parts.path}?start={start + PAGE}"}]
        return self.answer(200, body)

    def do_POST(self) -> None:
        body = json.loads(self.content())
        if self.path == "/identity/v3/auth/tokens":
            return self.answer(201, {"token": token(self.server.url)}, {"X-Subject-Token": "token"})
        self.server.requests.append(f"POST {self.path}")
        if self.server.refusals:
            return self.answer(self.server.refusals.pop(0), {"refused": True})
        name = self.path.rsplit("/", 1)[-1]
        key = name[:-1] if name[:-1] in body else ""
        entry = {"status": "queued", **(body[key] if key else body)}
        entry["id"] = f"{name}-{len(self.server.collections.setdefault(name, [])) + 1}"
        self.server.collections[name].append(entry)
        return self.answer(201, {key: entry} if key else entry)

    def do_PUT(self) -> None:
        self.server.requests.append(f"PUT {self.path}")
        self.server.uploads[self.path] = self.content()
        self.answer(200, {"id": self.path})

    def content(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def token(url: str) -> dict[str, Any]:
    endpoint = {"interface": "public", "region": "here", "region_id": "here", "url": url, "id": "e"}
    catalog = [{"type": each, "name": each, "id": each, "endpoints": [endpoint]} for each in ("network", "image")]
    return {
        "methods": ["password"],
        "expires_at": "2099-01-01T00:00:00Z",
        "catalog": catalog,
        "user": {"id": "u", "name": "admin"},
    }


@contextmanager
def small_api() -> Iterator[SmallApi]:
    server = SmallApi()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
