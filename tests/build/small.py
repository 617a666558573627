"""A small catalogue in memory: what graph tests start from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mastic.model.catalogue import Catalogue, CloudFile, ServiceFolder
from mastic.model.cloud import Cloud
from mastic.model.service import Service

LOCK = """\
alpha==1.0 \\
    --hash=sha256:aa
    # via -r roots.in
beta==2.0 \\
    --hash=sha256:b1 \\
    --hash=sha256:b2
    # via
    #   -r roots.in
    #   alpha
gamma-lib==3.0 ; python_version < '4' \\
    --hash=sha256:cc
    # via
    #   alpha
    #   beta
delta==4.0 \\
    --hash=sha256:dd
    # via gamma-lib
"""

SHARED = """
service: shared
summary: Shared
kind: shared
images:
  root: {from: scratch, bootstrap: true, packages: {debian: [python3, sudo]}}
  base: {from: root, template: plain.j2, copy: {start: /usr/local/bin/start}}
  lists: {from: root, template: plain.j2, max_age_hours: 24}
  python-base: {python: [gamma_lib]}
"""

WEB = """
service: web
summary: Web
kind: openstack
images:
  web-api: {from: python-base, user: web, python: ["Alpha[extra]"], packages: {debian: [curl]}, run: [echo hello]}
  web-agent: {from: web-api, packages: {debian: [iproute2]}}
"""

SHARED_FILES = {
    "start": b"#!/bin/sh\n",
    "plain.j2": b"FROM {{ parent }}\n{% for folder in copies %}\nCOPY files{{ folder }}/ {{ folder }}/\n{% endfor %}\n",
    "Dockerfile.j2": b"""\
FROM {{ parent }}
{% for user in new_users %}
RUN useradd --uid {{ users[user][0] }} {{ user }}
{% endfor %}
{% if packages %}
RUN --mount=type=bind,from={{ image('lists') }},target=/lists install {{ packages | join(' ') }}
{% endif %}
{% if requirements %}
RUN sh {{ file('start') }} /context/requirements.txt
{% endif %}
{% for command in run %}
RUN {{ command }}
{% endfor %}
{% if user or inherited_user %}
USER {{ user or inherited_user }}
{% endif %}
""",
}


def folder(text: str, files: dict[str, bytes] | None = None) -> ServiceFolder:
    data: dict[str, Any] = yaml.safe_load(text)
    service = Service.model_validate(data)
    return ServiceFolder(service, Path("catalogue") / service.service, {("images",): 4}, {}, files or {})


def catalogue(*services: str, shared: str = SHARED, shared_files: dict[str, bytes] | None = None) -> Catalogue:
    folders = [folder(text) for text in (services or (WEB,))]
    return Catalogue(
        path=Path("catalogue"),
        folders={each.service.service: each for each in folders},
        shared=folder(shared, SHARED_FILES | (shared_files or {})),
        users={"web": (42001, 42001), "kolla": (42400, 42400)},
        locks={"2026.2": LOCK},
    )


def cloud_file(*services: str, **more: Any) -> CloudFile:
    data = {"cloud": "lab", "hosts": {"one": {}}, "services": services or ("web",), **more}
    return CloudFile(Cloud.model_validate(data), Path("cloud.yml"), {("release",): 2})
