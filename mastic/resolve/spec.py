"""A workload's or job's declaration on a host → the container spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mastic.errors import InputError, Place, Problem
from mastic.model.desired import LISTEN_PORT, LISTEN_SLOT
from mastic.model.service import Health, Workload
from mastic.resolve.ground import Ground
from mastic.resolve.render import is_wanted, render_text
from mastic.resolve.secrets import referred_secrets

CONFIG_TARGET = "/var/lib/kolla/config_files/"
CONFIG_ROOT = "/etc/mastic/clouds"


@dataclass(frozen=True)
class Subject:
    """What is being described: a workload or a job of it, on one host, with what its templates see."""

    ground: Ground
    service: str
    section: str
    """`workloads` or `jobs`."""
    name: str
    host: str
    workload: Workload
    """The workload itself, or the one a job runs in."""
    container: str
    image: str
    user: str | None
    """Set when it runs as another user than the image's."""
    owner: str
    """Owner of its files."""
    context: Mapping[str, Any]
    slots: Mapping[str, int] = field(default_factory=dict)
    """Slot → port of a workload that is replaced beside itself."""

    def place(self, *keys: str | int) -> Place:
        return self.ground.folder(self.service).place(self.section, self.name, *keys)

    def shared_place(self, *keys: str | int) -> Place:
        """A line of the workload, which its jobs share."""
        return self.ground.folder(self.service).place("workloads", self.context["workload"], *keys)

    def text(self, source: str, place: Place, what: str) -> str:
        """A rendered text that everybody on the host may see; raises InputError when it names a secret."""
        text = render_text(self.ground.environment(self.service), source, self.context, place)
        if secrets := referred_secrets(text):
            message = f"{what} shows the secret `{secrets[0]}` to everybody on the host"
            raise InputError(Problem(message, place, "write it into a file under `files`"))
        return text


def container_spec(subject: Subject, health: Mapping[str, Any] | None, command: list[str] | None) -> dict[str, Any]:
    """What the engine is asked for; `command` is said for jobs, which run to their end."""
    workload = subject.workload
    slots = {"slots": dict(subject.slots)} if subject.slots else {}
    return {
        **slots,
        "name": subject.container,
        "image": image_reference(subject),
        "user": subject.user,
        "environment": dict(sorted(_environment(subject).items())),
        "capabilities": sorted(workload.capabilities),
        "devices": list(_devices(subject)),
        "host_namespaces": list(workload.host_namespaces),
        "unmask_proc": workload.unmask_proc,
        "init": False,
        "mounts": list(_mounts(subject)),
        "health": dict(health) if health is not None else None,
        "stop_seconds": workload.stop_seconds,
        "restart": "no" if command is not None else "unless-stopped",
        "command": command,
    }


def _devices(subject: Subject) -> Iterator[str]:
    """The declared devices; an entry that renders to nothing is left out."""
    workload = subject.context["workload"]
    for number, path in enumerate(subject.workload.devices):
        if device := subject.text(path, subject.shared_place("devices", number), f"a device of `{workload}`"):
            yield device


def image_reference(subject: Subject) -> str:
    """Full reference of the image, with the digest of its inputs."""
    if subject.image in subject.ground.images:
        return subject.ground.images[subject.image]
    message = f"image `{subject.image}` of `{subject.name}` is not among the images that can be built"
    raise InputError(Problem(message, subject.place("image")))


def engine_health(health: Health) -> dict[str, Any] | None:
    """The engine's own health check of a rendered `health`: tells of a process that stopped serving later."""
    if health.http is not None:
        test = f"healthcheck_curl {health.http}"
    elif health.tcp is not None:
        test = _listening(health.tcp)
    elif health.command is not None:
        test = health.command
    else:
        return None
    return {"test": ["CMD-SHELL", test], "interval": 30, "timeout": 30, "retries": 3, "start_period": 5}


def _listening(address: str) -> str:
    """True while something listens on the port; opens no connection, which a database would count as an attack."""
    port = address.rpartition(":")[2]
    number = "'$(printf %04X " + port + ")'" if address.endswith(LISTEN_PORT) else f"{int(port):04X}"
    return f"cat /proc/net/tcp /proc/net/tcp6 | grep -q ':{number} 0*:0000 0A '"


def _environment(subject: Subject) -> dict[str, str]:
    workload = subject.context["workload"]
    said = {
        key: subject.text(
            value, subject.shared_place("environment", key), f"environment variable `{key}` of `{workload}`"
        )
        for key, value in subject.workload.environment.items()
    }
    return {"KOLLA_CONFIG_STRATEGY": "COPY_ALWAYS", "KOLLA_SERVICE_NAME": subject.container.replace("_", "-"), **said}


def _mounts(subject: Subject) -> Iterator[dict[str, Any]]:
    workload, cloud = subject.workload, subject.ground.cloud.cloud
    folder = f"{subject.container}.{LISTEN_SLOT}" if subject.slots else subject.container
    yield _bind(f"{CONFIG_ROOT}/{cloud}/{folder}/", CONFIG_TARGET, read_only=True)
    for volume in workload.volumes:
        if is_wanted(volume.if_, subject.context, subject.shared_place("volumes")):
            yield _mount("volume", volume.name, volume.to, volume.read_only)
    for mount in workload.mounts:
        if is_wanted(mount.if_, subject.context, subject.shared_place("mounts")):
            bind = _bind(mount.path, mount.to or mount.path, mount.read_only)
            yield {**bind, "propagation": mount.propagation, "create": mount.create}


def _bind(source: str, target: str, read_only: bool) -> dict[str, Any]:
    return _mount("bind", source, target, read_only)


def _mount(kind: str, source: str, target: str, read_only: bool) -> dict[str, Any]:
    return {
        "type": kind,
        "source": source,
        "target": target,
        "read_only": read_only,
        "propagation": "private",
        "create": False,
    }
