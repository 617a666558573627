"""Container spec (what `resolve` wants) → body of the engine's create call; pure.

Network namespace of the host, every capability dropped but the named ones, never privileged.

A process that is not root gets no effective capability at all: the engine clears them when it changes to the user, and
what is left in the bounding set can be gained only by running a setuid program. That program is sudo, which
`kolla_start` uses for exactly one helper, `kolla_set_configs`. The least set which that needs is SUDO_CAPABILITIES:
SETUID and SETGID for sudo itself; CHOWN, FOWNER and DAC_OVERRIDE to install files for the service's user (each was left
out once with sudo 1.9.16, and the start failed); AUDIT_WRITE, without which sudo complains into every log.
`no-new-privileges` would forbid sudo and is therefore not set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CONFIG_TARGET = "/var/lib/kolla/config_files/"
SUDO_CAPABILITIES = ("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
SECOND = 10**9
LOG = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}


@dataclass(frozen=True)
class Placement:
    """What the agent knows about a container beside its spec."""

    config_folder: str
    """Folder on the host with the rendered files."""
    labels: dict[str, str] = field(default_factory=dict)
    image_user: str = ""
    cgroup_parent: str = ""


def create_body(spec: dict[str, Any], placement: Placement) -> dict[str, Any]:
    """What Docker's `POST /containers/create` is given."""
    user = spec.get("user") or placement.image_user
    body = {
        "Image": spec["image"],
        "User": user,
        "Env": [f"{key}={value}" for key, value in sorted((spec.get("environment") or {}).items())],
        "Labels": placement.labels,
        "StopTimeout": spec.get("stop_seconds", 30),
        "Healthcheck": engine_health(spec.get("health")),
        "HostConfig": host_config(spec, user, placement),
    }
    if spec.get("command"):
        body["Cmd"] = list(spec["command"])
    return body


def host_config(spec: dict[str, Any], user: str, placement: Placement) -> dict[str, Any]:
    """The part of the body that says what of the host the container gets."""
    namespaces = spec.get("host_namespaces") or []
    config: dict[str, Any] = {
        "NetworkMode": "host",
        "Privileged": False,
        "CapDrop": ["ALL"],
        "CapAdd": capabilities(spec, user),
        "Devices": [device(path) for path in spec.get("devices") or []],
        "Mounts": mounts(spec, placement.config_folder),
        "Init": bool(spec.get("init")),
        "RestartPolicy": {"Name": spec.get("restart") or "no"},
        "LogConfig": LOG,
        "CgroupParent": placement.cgroup_parent,
    }
    config.update({NAMESPACES[name]: "host" for name in namespaces})
    if spec.get("unmask_proc"):
        config.update({"MaskedPaths": [], "ReadonlyPaths": []})
    return config


NAMESPACES = {"pid": "PidMode", "ipc": "IpcMode", "cgroup": "CgroupnsMode"}


def capabilities(spec: dict[str, Any], user: str) -> list[str]:
    """The spec's own, and for a user other than root those that sudo gains while the files are installed."""
    wanted = set(spec.get("capabilities") or [])
    if user.partition(":")[0] not in ("", "0", "root"):
        wanted.update(SUDO_CAPABILITIES)
    return sorted(wanted)


def device(path: str) -> dict[str, str]:
    """A device under the same path, readable and writable."""
    return {"PathOnHost": path, "PathInContainer": path, "CgroupPermissions": "rwm"}


def mounts(spec: dict[str, Any], config_folder: str) -> list[dict[str, Any]]:
    """The spec's mounts; the configuration folder is added when the spec does not name it."""
    wanted = list(spec.get("mounts") or [])
    targets = {mount["target"].rstrip("/") for mount in wanted}
    if CONFIG_TARGET.rstrip("/") not in targets:
        wanted.append({"type": "bind", "source": config_folder, "target": CONFIG_TARGET, "read_only": True})
    return [mount_body(mount) for mount in wanted]


def mount_body(mount: dict[str, Any]) -> dict[str, Any]:
    """One mount in the engine's words."""
    body: dict[str, Any] = {
        "Type": mount["type"],
        "Source": mount["source"],
        "Target": mount["target"],
        "ReadOnly": bool(mount.get("read_only")),
    }
    if mount.get("propagation", "private") != "private":
        body["BindOptions"] = {"Propagation": "r" + mount["propagation"]}
    return body


def engine_health(health: dict[str, Any] | None) -> dict[str, Any] | None:
    """The engine's own health check; times in nanoseconds."""
    if not health:
        return None
    return {
        "Test": list(health["test"]),
        "Interval": int(health.get("interval", 30) * SECOND),
        "Timeout": int(health.get("timeout", 30) * SECOND),
        "Retries": int(health.get("retries", 3)),
        "StartPeriod": int(health.get("start_period", 5) * SECOND),
    }
