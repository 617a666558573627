"""Declared options + cloud.yml → each service's settings on a host, with where every value came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from mastic.errors import InputError, Place, Problem, did_you_mean
from mastic.model.desired import Explained
from mastic.model.service import Setting
from mastic.model.values import Misfit, fit
from mastic.resolve.ground import Ground
from mastic.resolve.hosts import cloud_scopes
from mastic.resolve.render import render_value
from mastic.resolve.scope import Scope

Layers = tuple[tuple[str, Place | None, Any], ...]


def check_said_settings(ground: Ground) -> Iterator[Problem]:
    """Settings in cloud.yml that no chosen service has."""
    for keys, settings in said_settings(ground):
        yield from _unknown_services(ground, keys, settings)


def said_settings(ground: Ground) -> Iterator[tuple[tuple[str, ...], dict[str, dict[str, Any]]]]:
    """Every `settings` of cloud.yml with its path of keys: the cloud's and each host's."""
    yield ("settings",), ground.cloud.settings
    for name, host in ground.cloud.hosts.items():
        yield ("hosts", name, "settings"), host.settings


def _unknown_services(ground: Ground, keys: tuple[str, ...], settings: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    for service, said in settings.items():
        place = ground.cloud_file.place(*keys, service)
        if service not in ground.catalogue.folders:
            hint = did_you_mean(service, ground.catalogue.folders)
            yield Problem(f"settings for `{service}`, which is not a service", place, hint)
        elif service not in ground.services:
            hint = f"add `{service}` to `services`, or remove its settings"
            yield Problem(f"settings for `{service}`, which this cloud does not have", place, hint)
        else:
            yield from _unknown_settings(ground, service, said, (*keys, service))


def _unknown_settings(ground: Ground, service: str, said: dict[str, Any], keys: tuple[str, ...]) -> Iterator[Problem]:
    known = ground.folder(service).service.settings
    for name in said:
        if name not in known:
            listed = ", ".join(f"`{each}`" for each in known) or "none"
            hint = did_you_mean(name, known) or f"`{service}` has {listed}"
            place = ground.cloud_file.place(*keys, name)
            yield Problem(f"`{service}` has no setting `{name}`", place, hint)


def settings_of(ground: Ground, service: str, host: str) -> Scope:
    """The service's settings as templates on `host` see them."""
    return ground.once((service, "settings", host), lambda: _settings(ground, service, host)[0])


def explain(ground: Ground, service: str) -> tuple[Explained, ...]:
    """Every setting's value and layers; one entry for all hosts when they agree."""
    per_host = {host: _settings(ground, service, host)[1] for host in ground.cloud.hosts}
    explained: list[Explained] = []
    for name in ground.folder(service).service.settings:
        found = {host: layers[name] for host, layers in per_host.items() if name in layers}
        several = list(found.values())
        if several and all(layers == several[0] for layers in several):
            explained.append(Explained(service, name, None, several[0][-1][2], several[0]))
        else:
            explained += [Explained(service, name, host, each[-1][2], each) for host, each in found.items()]
    return tuple(explained)


def _settings(ground: Ground, service: str, host: str) -> tuple[Scope, dict[str, Layers]]:
    return ground.once((service, "layers", host), lambda: _layered(ground, service, host))


def _layered(ground: Ground, service: str, host: str) -> tuple[Scope, dict[str, Layers]]:
    values: dict[str, Any] = {}
    later: dict[str, Callable[[], NoReturn]] = {}
    explained: dict[str, Layers] = {}
    for name in ground.folder(service).service.settings:
        scope = Scope("settings", values, later)
        try:
            explained[name] = tuple(_layers(ground, service, name, host, scope))
            values[name] = explained[name][-1][2]
        except InputError as error:
            ground.problems.extend(error.problems)
            later[name] = _already_told
    return Scope("settings", values, later), explained


def _already_told() -> NoReturn:
    """Whoever uses a setting that has no value fails with it, without a problem of its own."""
    raise InputError(())


def _layers(
    ground: Ground, service: str, name: str, host: str, earlier: Scope
) -> Iterator[tuple[str, Place | None, Any]]:
    """The layers of one setting, the one in force last; raises InputError for a value that does not fit."""
    folder = ground.folder(service)
    setting = folder.service.settings[name]
    said = [each for each in _said(ground, service, host) if name in each.values]
    if not must_be_said(setting):
        place = folder.place("settings", name, "default")
        context = {**cloud_scopes(ground, host), "settings": earlier}
        default = render_value(ground.environment(service), setting.default, context, place)
        yield "default", place, fitted(setting, default, f"the default of `{service}.settings.{name}`", place)
    elif not said:
        place = ground.cloud_file.place("settings", service)
        hint = f"under `settings:`, `{service}:` add `{name}: …` ({setting.help})"
        raise InputError(Problem(f"`{service}` needs the setting `{name}`", place, hint))
    for each in said:
        place = ground.cloud_file.place(*each.keys, name)
        path = ".".join((*each.keys, name))
        if each.values[name] is None and (setting.default is not None or must_be_said(setting)):
            raise InputError(Problem(f"`{path}` is empty", place, "say a value or remove the line"))
        yield each.layer, place, fitted(setting, each.values[name], f"`{path}`", place)


@dataclass(frozen=True)
class _Said:
    """What one part of cloud.yml says about a service."""

    layer: str
    keys: tuple[str, ...]
    values: dict[str, Any]


def _said(ground: Ground, service: str, host: str) -> tuple[_Said, _Said]:
    """What cloud.yml says for all hosts, and for this one, which is stronger."""
    own = ground.cloud.hosts[host].settings.get(service, {})
    return (
        _Said("cloud.yml", ("settings", service), ground.cloud.settings.get(service, {})),
        _Said("host", ("hosts", host, "settings", service), own),
    )


def must_be_said(setting: Setting) -> bool:
    """Whether the operator (or consumer) has to say a value."""
    return setting.required or "default" not in setting.model_fields_set


def fitted(setting: Setting, value: Any, subject: str, place: Place) -> Any:
    """The value in the type of the setting; raises InputError."""
    try:
        return fit(setting, value)
    except Misfit as misfit:
        hint = setting.help or None
        if setting.type == "choice":
            hint = did_you_mean(str(value), setting.choices) or hint
        shown = str(value).lower() if isinstance(value, bool) else value
        raise InputError(Problem(f"{subject} {misfit}; it is `{shown}`", place, hint)) from None
