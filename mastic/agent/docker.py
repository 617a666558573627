"""The engine interface over Docker's HTTP API (1.41 and newer) on its unix socket."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from mastic.agent.engine import Container, EngineError, EngineTimeout, Volume

SOCKET = "/var/run/docker.sock"
API = "/v1.41"
ZERO_TIME = "0001-01-01T00:00:00Z"
LONGEST_STOP = 3600
MADE = "mastic.made"
"""Label with the time a volume was made: the engine's own `CreatedAt` moves when a file at its root does (20.10)."""


def made_at(volume: dict[str, Any]) -> str:
    """When a volume was made; the engine's word for volumes that mastic did not make."""
    return str((volume.get("Labels") or {}).get(MADE) or volume.get("CreatedAt", ""))


class UnixConnection(http.client.HTTPConnection):
    """HTTP on a unix socket."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Docker:
    """One short connection per call, so that threads share nothing."""

    def __init__(self, path: str = SOCKET) -> None:
        self.path = path

    def version(self) -> str:
        return "docker " + str(self._data("GET", "/version")["Version"]).split("+")[0]

    def root_folder(self) -> str:
        return str(self._data("GET", "/info")["DockerRootDir"])

    def containers(self) -> dict[str, dict[str, str]]:
        found = self._data("GET", "/containers/json", {"all": "1"})
        return {c["Names"][0].lstrip("/"): c["Labels"] or {} for c in found if c["Names"]}

    def inspect(self, name: str) -> Container | None:
        status, body = self._call("GET", f"/containers/{quote(name)}/json", accept=(200, 404))
        return read_container(json.loads(body)) if status == 200 else None

    def create(self, name: str, body: dict[str, Any]) -> None:
        self._call("POST", "/containers/create", {"name": name}, body)

    def start(self, name: str) -> None:
        self._call("POST", f"/containers/{quote(name)}/start", accept=(204, 304))

    def stop(self, name: str, seconds: int | None) -> None:
        query = {} if seconds is None else {"t": str(seconds)}
        self._call("POST", f"/containers/{quote(name)}/stop", query, accept=(204, 304, 404), seconds=LONGEST_STOP)

    def restart(self, name: str, seconds: int) -> None:
        self._call("POST", f"/containers/{quote(name)}/restart", {"t": str(seconds)}, seconds=LONGEST_STOP)

    def signal(self, name: str, signal: str) -> None:
        self._call("POST", f"/containers/{quote(name)}/kill", {"signal": signal})

    def rename(self, name: str, new: str) -> None:
        self._call("POST", f"/containers/{quote(name)}/rename", {"name": new})

    def remove(self, name: str) -> None:
        self._call("DELETE", f"/containers/{quote(name)}", {"force": "1", "v": "1"}, accept=(204, 404))

    def wait(self, name: str, seconds: float) -> int | None:
        try:
            return int(self._data("POST", f"/containers/{quote(name)}/wait", seconds=seconds)["StatusCode"])
        except EngineTimeout:
            return None

    def logs(self, name: str, lines: int) -> list[str]:
        query = {"stdout": "1", "stderr": "1", "tail": str(lines)}
        _, body = self._call("GET", f"/containers/{quote(name)}/logs", query)
        return b"".join(split_frames(body)).decode("utf-8", "replace").splitlines()[-lines:]

    def follow(self, name: str, lines: int) -> Iterator[str]:
        query = {"stdout": "1", "stderr": "1", "follow": "1", "tail": str(lines)}
        connection = UnixConnection(self.path, None)  # type: ignore[arg-type]
        connection.request("GET", f"{API}/containers/{quote(name)}/logs?{urlencode(query)}")
        yield from read_lines(check(connection.getresponse(), (200,)))

    def execute(self, name: str, argv: list[str], user: str | None, seconds: float) -> tuple[int, str]:
        body = {"Cmd": argv, "User": user or "", "AttachStdout": True, "AttachStderr": True}
        started = self._data("POST", f"/containers/{quote(name)}/exec", None, body)["Id"]
        _, output = self._call("POST", f"/exec/{started}/start", None, {"Detach": False, "Tty": False}, seconds=seconds)
        code = self._data("GET", f"/exec/{started}/json")["ExitCode"]
        return int(code if code is not None else -1), b"".join(split_frames(output)).decode("utf-8", "replace")

    def volumes(self) -> dict[str, Volume]:
        found = self._data("GET", "/volumes").get("Volumes") or []
        return {v["Name"]: read_volume(v) for v in found}

    def create_volume(self, name: str, labels: dict[str, str], device: str = "", made: str = "") -> None:
        marked = {**labels, MADE: made or datetime.now(UTC).isoformat(timespec="microseconds")}
        options = {"type": "none", "o": "bind", "device": device} if device else {}
        self._call("POST", "/volumes/create", None, {"Name": name, "Labels": marked, "DriverOpts": options})

    def remove_volume(self, name: str) -> None:
        self._call("DELETE", f"/volumes/{quote(name)}", accept=(204, 404))

    def images(self) -> list[str]:
        query = {"filters": json.dumps({"reference": ["mastic/*"]})}
        found = self._data("GET", "/images/json", query)
        return sorted(tag for image in found for tag in image.get("RepoTags") or [] if tag.startswith("mastic/"))

    def has_image(self, reference: str) -> bool:
        return self._call("GET", f"/images/{quote(reference)}/json", accept=(200, 404))[0] == 200

    def image_id(self, reference: str) -> str:
        return str(self._data("GET", f"/images/{quote(reference)}/json")["Id"])

    def pull(self, origin: str) -> None:
        name, _, tag = origin.rpartition(":")
        _, body = self._call("POST", "/images/create", {"fromImage": name, "tag": tag}, seconds=3600)
        for line in body.decode("utf-8", "replace").splitlines():
            if line.strip() and (error := json.loads(line).get("error")):
                raise EngineError(str(error))

    def tag(self, image: str, reference: str) -> None:
        name, _, tag = reference.rpartition(":")
        self._call("POST", f"/images/{quote(image)}/tag", {"repo": name, "tag": tag})

    def image_usage(self) -> dict[str, tuple[int, int]]:
        found = self._data("GET", "/system/df", seconds=600)["Images"] or []
        return {
            tag: (max(0, int(image["Size"]) - max(0, int(image["SharedSize"]))), max(0, int(image["Containers"])))
            for image in found
            for tag in image.get("RepoTags") or []
            if tag.startswith("mastic/")
        }

    def remove_image(self, reference: str) -> None:
        self._call("DELETE", f"/images/{quote(reference)}", accept=(200, 404), seconds=600)

    def image_user(self, reference: str) -> str:
        return str(self._data("GET", f"/images/{quote(reference)}/json")["Config"].get("User") or "")

    def _data(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        seconds: float = 60,
    ) -> Any:
        return json.loads(self._call(method, path, query, body, seconds=seconds)[1])

    def _call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        *,
        accept: tuple[int, ...] = (200, 201, 204),
        seconds: float = 60,
    ) -> tuple[int, bytes]:
        connection = UnixConnection(self.path, seconds)
        try:
            text = json.dumps(body) if body is not None else None
            headers = {"Content-Type": "application/json"} if text else {}
            target = API + path + ("?" + urlencode(query) if query else "")
            connection.request(method, target, text, headers)
            response = check(connection.getresponse(), accept)
            return response.status, response.read()
        except socket.timeout as error:  # noqa: UP041 - Python 3.9 has two of them
            raise EngineTimeout(f"the container engine did not answer in {seconds:.0f} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(unreachable(self.path, error)) from error
        finally:
            connection.close()


def check(response: http.client.HTTPResponse, accept: tuple[int, ...]) -> http.client.HTTPResponse:
    """The response, or the engine's own message as an error."""
    if response.status in accept:
        return response
    text = response.read().decode("utf-8", "replace")
    with contextlib.suppress(ValueError, KeyError, TypeError):
        text = json.loads(text)["message"]
    raise EngineError(text.strip() or f"the container engine answered {response.status}")


def unreachable(path: str, error: Exception) -> str:
    """Why the engine cannot be reached, in words."""
    if isinstance(error, FileNotFoundError):
        return f"no container engine answers: `{path}` does not exist"
    if isinstance(error, PermissionError):
        return f"not allowed to talk to the container engine at `{path}`"
    return f"the container engine at `{path}` does not answer: {error}"


def read_volume(data: dict[str, Any]) -> Volume:
    """Volume from Docker's inspect output."""
    device = str((data.get("Options") or {}).get("device") or "")
    return Volume(data["Name"], made_at(data), data.get("Labels") or {}, device or data["Mountpoint"], device)


def read_container(data: dict[str, Any]) -> Container:
    """Container from Docker's inspect output."""
    state = data["State"]
    started = state.get("StartedAt") or ""
    return Container(
        id=data["Id"],
        name=data["Name"].lstrip("/"),
        labels=data["Config"].get("Labels") or {},
        image=data["Config"]["Image"],
        state=state["Status"],
        started_at="" if started == ZERO_TIME else started,
        created_at=data["Created"],
        exit_code=state.get("ExitCode") if state["Status"] in ("exited", "restarting", "dead") else None,
        health=(state.get("Health") or {}).get("Status"),
        restarts=int(data.get("RestartCount") or 0),
    )


def split_frames(body: bytes) -> Iterator[bytes]:
    """Payloads of Docker's multiplexed stream: 8 bytes header, the last four its length."""
    position = 0
    while position + 8 <= len(body):
        (length,) = struct.unpack_from(">I", body, position + 4)
        yield body[position + 8 : position + 8 + length]
        position += 8 + length


def read_lines(response: http.client.HTTPResponse) -> Iterator[str]:
    """Lines of a multiplexed stream, as they come."""
    rest = b""
    while header := response.read(8):
        (length,) = struct.unpack_from(">I", header, 4)
        *lines, rest = (rest + response.read(length)).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines)
    if rest:
        yield rest.decode("utf-8", "replace")
