"""A cloud of one workload and one job, made of shell scripts, that both worlds can hold."""

from __future__ import annotations

from typing import Any

from mastic.model.desired import (
    LISTEN_PORT,
    LISTEN_SLOT,
    Binding,
    ConfigFile,
    Desired,
    DesiredVolume,
    PlacedJob,
    PlacedWorkload,
)
from mastic.model.service import Health
from tests.contract.executor.world import CLOUD, HOST, IMAGES

SERVE = "trap 'exit 0' TERM\ntrap ': > /told' USR1\n: > /ready; while :; do sleep 0.05; done # @@secret:a_word@@\n"
DO_OR_LOOK = """case "$(cat /var/lib/kolla/config_files/config.json)" in
*look*) [ -e /data/done ] || { echo nothing is done && exit 1; } ;;
*) : > /data/done ;;
esac
"""
BREAK = "echo Access denied for user web; exit 3\n"
VOLUME = f"{CLOUD}_data"
WEB, API, LOAD = f"web@{HOST}", f"api@{HOST}", f"test/load@{HOST}"


def spec(container: str, restart: str) -> dict[str, Any]:
    """What the engine is asked for."""
    folder = f"/etc/mastic/clouds/{CLOUD}/{container}/"
    mounts = [
        {"type": "bind", "source": folder, "target": "/var/lib/kolla/config_files/", "read_only": True},
        {"type": "volume", "source": VOLUME, "target": "/data", "read_only": False},
    ]
    return {"name": container, "image": IMAGES[0], "restart": restart, "mounts": mounts, "stop_seconds": 1}


def web(script: str = SERVE, **fields: Any) -> PlacedWorkload:
    """A process that serves until it is told to stop; its second file may be read again while it runs."""
    files = (
        ConfigFile("run.sh", script, "restart", ("a_word",) if "@@" in script else ()),
        ConfigFile("map.conf", fields.pop("map", "one"), "reload"),
        ConfigFile("policy.yaml", fields.pop("policy", "one"), "nothing"),
    )
    container = f"{CLOUD}_web"
    fields.setdefault("health", Health(command="cat /ready", seconds=10))
    fields.setdefault("reload_signal", "USR1")
    return PlacedWorkload("web", "test", HOST, container, "x", spec(container, "no"), files, (VOLUME,), **fields)


def api(script: str = SERVE, **fields: Any) -> PlacedWorkload:
    """A process with two slots, which `web` leads to: a file of that says which slot it was told."""
    container = f"{CLOUD}_api"
    slots = {"a": 15000, "b": 25000}
    commands = {slot: f"sh -c ': > /leads-to-{slot}'" for slot in slots}
    files = (
        ConfigFile("run.sh", f"{script}# port {LISTEN_PORT}\n", "restart", ("a_word",) if "@@" in script else ()),
        ConfigFile("policy.yaml", fields.pop("policy", "one"), "nothing"),
    )
    return PlacedWorkload(
        "api",
        "test",
        HOST,
        container,
        "x",
        {**spec(f"{container}.{LISTEN_SLOT}", "no"), "name": container, "slots": slots},
        files,
        (VOLUME,),
        health=Health(command="cat /ready", seconds=10),
        replace="beside",
        slots=slots,
        bindings=(Binding(HOST, f"{CLOUD}_web", commands, 10),),
        **fields,
    )


def load(script: str = "echo done\n", when: Any = "once", **fields: Any) -> PlacedJob:
    """A job on the same volume."""
    container = f"{CLOUD}_load"
    files = (ConfigFile("config.json", '{"command": "load"}', "restart"), ConfigFile("run.sh", script, "restart"))
    fields.setdefault("run", "load")
    return PlacedJob(
        "load", "test", HOST, container, "x", when, spec=spec(container, "no"), files=files, data=(VOLUME,), **fields
    )


def cloud(*parts: PlacedWorkload | PlacedJob, volumes: bool = True) -> Desired:
    """A cloud of these parts on one host, with the volume they share."""
    return Desired(
        cloud=CLOUD,
        release="1",
        hosts=(HOST,),
        workloads=tuple(part for part in parts if isinstance(part, PlacedWorkload)),
        jobs=tuple(part for part in parts if isinstance(part, PlacedJob)),
        volumes=(DesiredVolume(VOLUME, HOST, True, "test"),) if volumes else (),
        secrets={},
        secret_versions={"a_word": 1},
        images={"x": IMAGES[0]},
    )
