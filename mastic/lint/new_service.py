"""`mastic new-service`: a name → a service folder that passes `mastic lint` and really runs."""

from __future__ import annotations

import re
from pathlib import Path

from mastic.errors import InputError, Place, Problem
from mastic.load.catalogue import load_catalogue
from mastic.model.catalogue import Catalogue

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
FIRST_PORT = 8990
LAST_ID = 42998
"""Images take ids up to here for services' users."""

SERVICE = """\
service: {name}
summary: A page that greets
kind: infrastructure

images:
  {name}:
    from: base                     # has Python; a service of OpenStack stands on `openstack-base`
    user: {name}                   # its uid is in _shared/users.yml

settings:
  port: {{type: port, default: {port}, help: Where users reach it}}
  greeting: {{type: string, default: Hello, help: What the page says}}

workloads:
  {name}:
    image: {name}
    place: {{group: control}}
    command: >-
      python3 -m http.server {{{{ listen.port }}}} --bind {{{{ listen.address }}}} --directory /var/lib/{name}
    files:
      - {{template: index.html.j2, to: /var/lib/{name}/index.html}}
    frontend: {{port: "{{{{ settings.port }}}}"}}
    health: {{http: /}}

checks:
  page:
    help: The page comes through the load balancer
    http: "{{{{ frontends['{name}'].url }}}}/"
"""
PAGE = """\
<!doctype html>
<title>{name}</title>
<p>{{{{ settings.greeting }}}} from {{{{ cloud.name }}}}</p>
"""
CASE = """\
# Given these settings, these lines stand in the files.
settings: {{greeting: Good day}}
expect:
  index.html:
    - "<p>Good day from laptop</p>"
"""
README = """\
# {name}

Greets: container `{container}`, behind the load balancer on port {port}.

| what | how |
|---|---|
| log | `mastic logs {name}` |
| settings | `port`, `greeting` |
| data | none |
"""


def new_service(path: Path, name: str) -> list[Path]:
    """Make the folder `name` in the catalogue at `path` and give its user an id; returns the files written.

    Raises InputError when the name cannot be one, or is taken.
    """
    catalogue = load_catalogue(path)
    raise_unless_free(catalogue, name)
    values = {"name": name, "container": name.replace("-", "_"), "port": free_port(catalogue)}
    written = []
    for file, text in (
        ("service.yml", SERVICE),
        ("templates/index.html.j2", PAGE),
        ("cases/greeting.yml", CASE),
        ("README.md", README),
    ):
        target = path / name / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.format(**values))
        written.append(target)
    return [*written, *give_user(catalogue, name)]


def raise_unless_free(catalogue: Catalogue, name: str) -> None:
    """Raise InputError when there cannot be a new service of that name."""
    if not NAME.fullmatch(name) or len(name) > 31:
        hint = "lower case letters, digits and single dashes, at most 31, e.g. `greeter`"
        raise InputError(Problem(f"`{name}` cannot be the name of a service", hint=hint))
    if (catalogue.path / name).exists():
        hint = "choose another name, or remove the folder"
        raise InputError(Problem(f"there is a service `{name}` already", Place(str(catalogue.path / name)), hint))


def free_port(catalogue: Catalogue) -> int:
    """A port that is no service's default."""
    settings = [setting for folder in catalogue.folders.values() for setting in folder.service.settings.values()]
    taken = {setting.default for setting in settings if setting.type == "port"}
    return next(port for port in range(FIRST_PORT, FIRST_PORT + len(taken) + 1) if port not in taken)


def give_user(catalogue: Catalogue, name: str) -> list[Path]:
    """Add a Unix user of the service's name to those of all images, unless there is one.

    Raises InputError when every id is taken.
    """
    if name in catalogue.users:
        return []
    file = catalogue.path / "_shared" / "users.yml"
    taken = {number for ids in catalogue.users.values() for number in ids}
    number = max(taken) + 1
    if number > LAST_ID:
        raise InputError(Problem("every user id of the images is taken", Place(str(file))))
    with file.open("a") as users:
        users.write(f"{name}: [{number}, {number}]\n")
    return [file]
