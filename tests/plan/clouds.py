"""Small wanted clouds that plan, executor and history tests share, and the way to apply them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mastic.execute.fake import FakeExecutor
from mastic.execute.feed import ImageFeed
from mastic.model.desired import (
    LISTEN_PORT,
    LISTEN_SLOT,
    SECRET_REFERENCE,
    Binding,
    ConfigFile,
    Desired,
    DesiredVolume,
    PlacedJob,
    PlacedWorkload,
)
from mastic.model.goal import Goal
from mastic.model.plan import Plan
from mastic.model.run import Run
from mastic.model.service import Secret
from mastic.plan.reconcile import reconcile

HOST = "lab"


def file(name: str, content: str = "one", on_change: str = "restart", secret: str = "") -> ConfigFile:
    """A configuration file, with a secret in it when one is named."""
    text = f"{content} {SECRET_REFERENCE.format(name=secret)}" if secret else content
    return ConfigFile(name, text, on_change, (secret,) if secret else ())  # type: ignore[arg-type]


def spec(container: str, image: str, volumes: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """What the engine is asked for."""
    mounts = [{"type": "volume", "source": name, "target": f"/data/{name}"} for name in volumes]
    return {"name": container, "image": image, "mounts": mounts, **more}


def workload(name: str, service: str = "", host: str = HOST, tag: str = "1", **fields: Any) -> PlacedWorkload:
    """A workload with one file, named like its service unless another is said."""
    container = name.replace("-", "_")
    wanted = spec(container, f"mastic/{name}:{tag}", fields.get("volumes", ()))
    fields.setdefault("files", (file(f"{name}.conf"),))
    return PlacedWorkload(name, service or name, host, container, name, fields.pop("spec", wanted), **fields)


def job(name: str, service: str, host: str = HOST, tag: str = "1", **fields: Any) -> PlacedJob:
    """A job in the image of the workload that has its service's name."""
    container = f"{service}_{name}"
    fields.setdefault("files", (file(f"{service}.conf"),))
    fields.setdefault("when", "once")
    fields.setdefault("run", f"{service}-manage {name}")
    wanted = spec(container, f"mastic/{service}:{tag}", fields.get("data", ()))
    return PlacedJob(name, service, host, container, service, spec=wanted, **fields)


def beside(wanted: PlacedWorkload, balancer: str = "balancer") -> PlacedWorkload:
    """The workload with two slots behind a load balancer on its own host."""
    slots = {"a": 15000, "b": 25000}
    mount = {"type": "bind", "source": f"/etc/mastic/clouds/lab/{wanted.container}.{LISTEN_SLOT}/"}
    mounts = [*wanted.spec["mounts"], mount]
    listening = ConfigFile("listen", f"port {LISTEN_PORT}", "restart")
    commands = {slot: f"bring {wanted.name} to {slot}" for slot in slots}
    return replace(
        wanted,
        replace="beside",
        spec={**wanted.spec, "mounts": mounts, "slots": slots},
        files=(*wanted.files, listening),
        slots=slots,
        bindings=(Binding(wanted.host, balancer, commands, 10),),
    )


def volume(name: str, host: str = HOST, keep: bool = True, service: str = "") -> DesiredVolume:
    return DesiredVolume(name, host, keep, service or name)


def cloud(*parts: PlacedWorkload | PlacedJob | DesiredVolume, hosts: tuple[str, ...] = (HOST,)) -> Desired:
    """A wanted cloud of these parts."""
    workloads = tuple(part for part in parts if isinstance(part, PlacedWorkload))
    jobs = tuple(part for part in parts if isinstance(part, PlacedJob))
    holders: tuple[PlacedWorkload | PlacedJob, ...] = (*workloads, *jobs)
    secrets = sorted({name for holder in holders for each in holder.files for name in each.secrets})
    return Desired(
        cloud="lab",
        release="2026.2",
        hosts=hosts,
        workloads=workloads,
        jobs=jobs,
        volumes=tuple(part for part in parts if isinstance(part, DesiredVolume)),
        secrets={name: Secret(type="password") for name in secrets},
        secret_versions=dict.fromkeys(secrets, 1),
        images={holder.image: str(holder.spec["image"]) for holder in holders},
    )


def database_and_api() -> Desired:
    """A database, a job that makes tables in it, an API that waits for the job, and the load balancer before it."""
    return cloud(
        workload("mariadb", volumes=("mariadb",), files=(file("galera.cnf", secret="database_password"),)),
        job("db_sync", "glance", needs=("mariadb@lab",), data=("mariadb",)),
        workload(
            "glance",
            needs=("glance/db_sync@lab", "haproxy@lab"),
            files=(file("glance.conf", secret="database_password"), file("policy.yaml", on_change="nothing")),
        ),
        workload("haproxy", files=(file("haproxy.cfg", on_change="reload"),), reload_signal="HUP"),
        volume("mariadb"),
    )


def with_workload(desired: Desired, changed: PlacedWorkload) -> Desired:
    """The cloud with one workload in place of the one of the same id."""
    return replace(desired, workloads=tuple(changed if w.id == changed.id else w for w in desired.workloads))


def with_file(desired: Desired, id: str, name: str, content: str) -> Desired:
    """The cloud with another content of one file of a workload."""
    wanted = desired.workload(id)
    assert wanted is not None
    files = tuple(replace(each, content=content) if each.name == name else each for each in wanted.files)
    return with_workload(desired, replace(wanted, files=files))


def without(desired: Desired, *ids: str) -> Desired:
    """The cloud without some resources; nothing needs them any more."""
    return replace(
        desired,
        workloads=tuple(replace(w, needs=_rest(w.needs, ids)) for w in desired.workloads if w.id not in ids),
        jobs=tuple(replace(j, needs=_rest(j.needs, ids)) for j in desired.jobs if j.id not in ids),
        volumes=tuple(v for v in desired.volumes if f"volume/{v.id}" not in ids),
    )


def _rest(needs: tuple[str, ...], gone: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(need for need in needs if need not in gone)


def values(desired: Desired) -> dict[str, str]:
    """Secret values that stand out in any text."""
    return {name: f"VALUE-OF-{name}" for name in desired.secrets}


def plan_for(desired: Desired, executor: FakeExecutor, goal: Goal | None = None) -> Plan:
    return reconcile(desired, executor.observe(desired.hosts), goal or Goal())


def feed_of(desired: Desired) -> ImageFeed:
    """A feed in which every image stands already."""
    feed = ImageFeed()
    holders: tuple[PlacedWorkload | PlacedJob, ...] = (*desired.workloads, *desired.jobs)
    for reference in sorted({str(holder.spec["image"]) for holder in holders}):
        feed.ready(reference)
    return feed


def perform(plan: Plan, desired: Desired, executor: FakeExecutor) -> Run:
    return executor.perform(plan, desired, values(desired), feed_of(desired), lambda event: None)


def apply(desired: Desired, executor: FakeExecutor, goal: Goal | None = None) -> Plan:
    """Plan, perform, insist that all went well; gives the plan."""
    plan = plan_for(desired, executor, goal)
    run = perform(plan, desired, executor)
    assert run.ok, run
    return plan


def describe(plan: Plan) -> str:
    """A plan as text: needs in brackets, step, cause, and what else is to be known."""
    return "\n".join(_line(plan, number) for number in range(len(plan.steps)))


def _line(plan: Plan, number: int) -> str:
    step = plan.steps[number]
    numbers = {each.id: index + 1 for index, each in enumerate(plan.steps)}
    needs = " ".join(str(numbers[need]) for need in step.needs)
    marks: list[str] = [step.risk] * (step.risk != "none") + [step.impact] * (step.impact != "none")
    marks += ["cannot be undone"] * (not step.reversible)
    return f"{number + 1:2} [{needs}] {step.id}, {step.cause}" + (f" ({', '.join(marks)})" if marks else "")
