"""What services require + what others provide → the accounts, addresses and values both sides see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mastic.errors import InputError, Place, Problem, did_you_mean
from mastic.model.service import Provide, Secret
from mastic.resolve.frontends import CAPABILITY, all_frontends, has_frontend, is_placed
from mastic.resolve.ground import Ground
from mastic.resolve.hosts import home
from mastic.resolve.render import render_value
from mastic.resolve.scope import Scope
from mastic.resolve.secrets import reference
from mastic.resolve.settings import fitted, must_be_said

Thunks = dict[str, Callable[[], Any]]


def find_providers(ground: Ground) -> Iterator[Problem]:
    """Note which chosen service provides what; tell capabilities that two of them provide."""
    for service in ground.services:
        folder = ground.folder(service)
        for capability in folder.service.provides:
            other = ground.providers.setdefault(capability, service)
            if other != service:
                message = f"both `{other}` and `{service}` provide `{capability}` in cloud `{ground.cloud.cloud}`"
                place = ground.cloud_file.place("services", ground.cloud.services.index(service))
                yield Problem(message, place, f"choose one of the two in {ground.cloud_file.path.name}")


def requirement_problems(ground: Ground) -> Iterator[Problem]:
    """Requirements that nobody meets, and parameters their provider does not know."""
    for service in ground.services:
        folder = ground.folder(service)
        for capability in folder.service.requires:
            if capability not in ground.providers:
                yield _unmet(ground, service, capability, folder.place("requires", capability))
                continue
            try:
                parameters_of(ground, service, capability)
            except InputError as error:
                yield from error.problems
        if CAPABILITY not in ground.providers and has_frontend(ground, service):
            named = next(name for name, each in folder.service.workloads.items() if each.frontend)
            yield _unmet(ground, service, CAPABILITY, folder.place("workloads", named, "frontend"))


def bindings_of(ground: Ground, service: str, host: str) -> Scope:
    """What a consumer's templates see as `bindings`."""
    required = [*ground.folder(service).service.requires]
    if has_frontend(ground, service) and CAPABILITY not in required:
        required.append(CAPABILITY)
    met = [capability for capability in required if capability in ground.providers]
    later: Thunks = {capability: partial(binding, ground, service, capability, host) for capability in met}
    later |= {capability: _already_told for capability in required if capability not in met}
    return Scope("bindings", {}, later)


def consumers_of(ground: Ground, provider: str, host: str) -> Scope:
    """What a provider's templates see as `consumers`: per capability a list, sorted by service."""
    later: Thunks = {
        capability: partial(consuming, ground, provider, capability, host)
        for capability in ground.folder(provider).service.provides
    }
    return Scope("consumers", {}, later)


def binding(ground: Ground, consumer: str, capability: str, host: str) -> Scope:
    """Parameters, secrets and values that consumer and provider share, seen from `host`."""
    return ground.once((consumer, "bindings", capability, host), lambda: _binding(ground, consumer, capability, host))


def parameters_of(ground: Ground, consumer: str, capability: str) -> dict[str, Any]:
    """What the consumer says in its `requires`, with defaults; raises InputError."""
    key = (consumer, "requires", capability)
    return ground.once(key, lambda: _parameters(ground, consumer, capability))


def consumer_secrets(ground: Ground, consumer: str, capability: str) -> dict[str, tuple[str, Secret]]:
    """Key → (name, declaration) of the secrets made for one consumer."""
    if capability not in ground.folder(consumer).service.requires:
        return {}
    declared = _provide(ground, capability).secrets
    return {key: (f"{consumer}_{capability}_{key}", secret) for key, secret in declared.items()}


def taking_turns(parameter: str, account: str, version: int) -> dict[str, str]:
    """The account in force under its parameter's name, and as `idle_…` the other: good before, or next time."""
    pair = account, f"{account}_2"
    return {parameter: pair[1 - version % 2], f"idle_{parameter}": pair[version % 2]}


def _provide(ground: Ground, capability: str) -> Provide:
    return ground.folder(ground.providers[capability]).service.provides[capability]


def _binding(ground: Ground, consumer: str, capability: str, host: str) -> Scope:
    provider = ground.providers[capability]
    seen_from = home(ground, provider, host)
    secrets = consumer_secrets(ground, consumer, capability)
    said = {"service": consumer, **parameters_of(ground, consumer, capability)}
    for name, secret in secrets.values():
        if secret.account:
            said |= taking_turns(secret.account, str(said[secret.account]), ground.secret_versions.get(name, 1))
    said |= {key: reference(name) for key, (name, _) in secrets.items()}
    later: Thunks = {
        key: partial(provided_value, ground, capability, key, Scope("consumer", said), seen_from)
        for key in _provide(ground, capability).values
    }
    return Scope(f"bindings.{capability}", said, later)


def provided_value(ground: Ground, capability: str, key: str, consumer: Scope, host: str) -> Any:
    """One value that a provider gives a consumer; raises InputError, also when it needs itself."""
    provider = ground.providers[capability]

    def make() -> Any:
        context = {**ground.context(provider, host), "consumer": consumer}
        place = ground.folder(provider).place("provides", capability, "values", key)
        value = _provide(ground, capability).values[key]
        return render_value(ground.environment(provider), value, context, place)

    return ground.once((provider, "provides", capability, key, consumer["service"], host), make)


def consuming(ground: Ground, provider: str, capability: str, host: str) -> list[Scope]:
    """Who has a capability of a provider; a service that is switched off altogether has none."""
    if ground.providers.get(capability) != provider:
        return []
    if capability == CAPABILITY:
        return all_frontends(ground)
    consumers = [each for each in sorted(ground.services) if capability in ground.folder(each).service.requires]
    return [binding(ground, each, capability, host) for each in consumers if is_placed(ground, each)]


def _parameters(ground: Ground, consumer: str, capability: str) -> dict[str, Any]:
    folder = ground.folder(consumer)
    declared = _provide(ground, capability).parameters
    said = folder.service.requires.get(capability, {})
    problems = [_unknown_parameter(ground, consumer, capability, name) for name in said if name not in declared]
    found: dict[str, Any] = {}
    for name in declared:
        try:
            found[name] = _parameter(ground, consumer, capability, name)
        except InputError as error:
            problems.extend(error.problems)
    if problems and capability in folder.service.requires:
        raise InputError(problems)
    return found


def _parameter(ground: Ground, consumer: str, capability: str, name: str) -> Any:
    folder, provider = ground.folder(consumer), ground.providers[capability]
    setting = _provide(ground, capability).parameters[name]
    said = folder.service.requires.get(capability, {})
    place = folder.place("requires", capability, name)
    if name in said:
        context = ground.context(consumer, home(ground, consumer))
        value = render_value(ground.environment(consumer), said[name], context, place)
        return fitted(setting, value, f"`{consumer}.requires.{capability}.{name}`", place)
    if must_be_said(setting):
        message = f"`{consumer}` requires `{capability}` and does not say `{name}`"
        raise InputError(Problem(message, place, f"add `{name}: …` ({setting.help})"))
    place = ground.folder(provider).place("provides", capability, "parameters", name, "default")
    context = ground.context(provider, home(ground, provider))
    context = {**context, "consumer": Scope("consumer", {"service": consumer})}
    value = render_value(ground.environment(provider), setting.default, context, place)
    return fitted(setting, value, f"the default of `{provider}.provides.{capability}.{name}`", place)


def _unknown_parameter(ground: Ground, consumer: str, capability: str, name: str) -> Problem:
    declared = _provide(ground, capability).parameters
    provider = ground.providers[capability]
    listed = ", ".join(f"`{each}`" for each in declared) or "none"
    hint = did_you_mean(name, declared) or f"its parameters: {listed}"
    message = f"`{capability}` of `{provider}` has no parameter `{name}`"
    return Problem(message, ground.folder(consumer).place("requires", capability, name), hint)


def _unmet(ground: Ground, service: str, capability: str, place: Place) -> Problem:
    able = [name for name, folder in ground.catalogue.folders.items() if capability in folder.service.provides]
    message = f"`{service}` needs `{capability}`, and no service in cloud `{ground.cloud.cloud}` provides it"
    if able:
        listed = " or ".join(f"`{each}`" for each in able)
        return Problem(message, place, f"add {listed} to `services` in {ground.cloud_file.path.name}")
    known = [each for folder in ground.catalogue.folders.values() for each in folder.service.provides]
    return Problem(message, place, did_you_mean(capability, known) or "no service of the catalogue provides it")


def _already_told() -> Any:
    raise InputError(())
