"""Workloads that are replaced beside themselves → the commands that bring their requests from one slot to another."""

from __future__ import annotations

from mastic.errors import Place
from mastic.model.desired import Binding
from mastic.model.service import Bind
from mastic.resolve.context import container_name, workload_context
from mastic.resolve.frontends import CAPABILITY, frontend_of, placed_on, slots_of
from mastic.resolve.ground import Ground
from mastic.resolve.render import render_text
from mastic.resolve.scope import Scope


def bindings_to(ground: Ground, service: str, workload: str, host: str) -> tuple[Binding, ...]:
    """One for each process of the load balancer; none for a workload without slots. Raises InputError."""
    balancer = ground.providers.get(CAPABILITY)
    slots = slots_of(ground, service, workload)
    if not slots or balancer is None:
        return ()
    folder = ground.folder(balancer)
    bind = folder.service.provides[CAPABILITY].bind
    if bind is None:
        return ()
    frontend = frontend_of(ground, service, workload)
    here = {each["slot"]: each for each in frontend["backends"] if each["host"] == host}
    return tuple(
        Binding(at, container_name(bind.in_), _commands(ground, bind, at, frontend, here), bind.seconds)
        for at in placed_on(ground, balancer, bind.in_)
    )


def _commands(ground: Ground, bind: Bind, at: str, frontend: Scope, here: dict[str, Scope]) -> dict[str, str]:
    balancer = ground.providers[CAPABILITY]
    place = ground.folder(balancer).place("provides", CAPABILITY, "bind", "run")
    context = {**workload_context(ground, balancer, bind.in_, at), "frontend": frontend}
    commands: dict[str, str] = {}
    for slot, new in here.items():
        (old,) = [each for each in here.values() if each["slot"] != slot]
        commands[slot] = _command(ground, bind, {**context, "new": new, "old": old}, place)
    return commands


def _command(ground: Ground, bind: Bind, context: dict[str, object], place: Place) -> str:
    text = render_text(ground.environment(ground.providers[CAPABILITY]), bind.run, context, place)
    return " ".join(text.split())
