"""`python3 stub_engine.py SOCKET`: answers as Docker's API does and starts nothing; what is left is orchestration."""

from __future__ import annotations

import json
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

CONTAINERS: dict[str, dict[str, Any]] = {}
LOCK = threading.Lock()
NOW = "%Y-%m-%dT%H:%M:%S.000000Z"


class Handler(BaseHTTPRequestHandler):
    """One request per connection, as the agent makes them."""

    def do_GET(self) -> None:
        words = self.words()
        if words == ["version"]:
            self.answer(200, {"Version": "0.0.1"})
        elif words == ["info"]:
            self.answer(200, {"DockerRootDir": "/var/lib/docker"})
        elif words == ["volumes"]:
            self.answer(200, {"Volumes": []})
        elif words == ["containers", "json"]:
            with LOCK:
                found = [{"Names": [c["Name"]], "Labels": c["Config"]["Labels"]} for c in CONTAINERS.values()]
            self.answer(200, found)
        elif words[0] == "containers":
            found_one = CONTAINERS.get(words[1])
            self.answer(200 if found_one else 404, found_one or {"message": "none"})
        elif words[0] == "exec":
            self.answer(200, {"ExitCode": 0})
        elif words == ["images", "json"]:
            self.answer(200, [])
        else:
            self.answer(200, {"Id": "sha256:1", "Config": {"User": ""}})

    def do_POST(self) -> None:
        words, length = self.words(), int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        if words == ["containers", "create"]:
            self.create(parse_qs(urlsplit(self.path).query)["name"][0], body)
            self.answer(201, {"Id": "1"})
        elif words[-1] in ("start", "restart") and words[0] == "containers":
            CONTAINERS[words[1]]["State"] = {"Status": "running", "StartedAt": time.strftime(NOW)}
            self.answer(204, None)
        elif words[-1] == "exec":
            self.answer(201, {"Id": "1"})
        else:
            self.answer(200 if words[0] == "exec" else 204, None)

    def do_DELETE(self) -> None:
        with LOCK:
            CONTAINERS.pop(self.words()[-1], None)
        self.answer(204, None)

    def create(self, name: str, body: dict[str, Any]) -> None:
        with LOCK:
            CONTAINERS[name] = {
                "Id": f"{name}{time.time()}",
                "Name": f"/{name}",
                "Config": {"Labels": body.get("Labels") or {}, "Image": body["Image"]},
                "State": {"Status": "created"},
                "Created": time.strftime(NOW),
                "RestartCount": 0,
            }

    def words(self) -> list[str]:
        """The path without the version of the API."""
        return [unquote(word) for word in urlsplit(self.path).path.split("/")[2:]]

    def answer(self, code: int, data: Any) -> None:
        content = b"" if data is None else json.dumps(data).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        """A unix socket has none."""
        return "agent"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is worth a line."""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A thread per request, and none that outlives it."""

    daemon_threads = True
    request_queue_size = 64


if __name__ == "__main__":
    Server(sys.argv[1], Handler).serve_forever()
