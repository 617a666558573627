"""Starts the API of a built image with a database in a file, and asks it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from mastic.build.graph import ImageGraph
from tests.build.standing import standing

CONFIGURATION = {
    "keystone": "[database]\nconnection = sqlite:////tmp/it.sqlite\n[fernet_tokens]\nkey_repository = /tmp/keys\n"
    "[fernet_receipts]\nkey_repository = /tmp/keys\n[credential]\nkey_repository = /tmp/keys\n",
    "glance": "[DEFAULT]\nenabled_backends = file:file\n[glance_store]\ndefault_backend = file\n"
    "[file]\nfilesystem_store_datadir = /tmp\n[os_glance_staging_store]\nfilesystem_store_datadir = /tmp\n"
    "[os_glance_tasks_store]\nfilesystem_store_datadir = /tmp\n[database]\nconnection = sqlite:////tmp/it.sqlite\n"
    "[paste_deploy]\nconfig_file = /var/lib/kolla/venv/etc/glance/glance-api-paste.ini\n",
    "placement": "[placement_database]\nconnection = sqlite:////tmp/it.sqlite\n[api]\nauth_strategy = noauth2\n",
}
SCRIPT = """
set -e
mkdir -p /tmp/keys
python3 -c 'import base64, os; open("/tmp/keys/0", "wb").write(base64.urlsafe_b64encode(os.urandom(32)))'
cp /tmp/keys/0 /tmp/keys/1
{sync} >/tmp/sync.log 2>&1 || {{ tail -20 /tmp/sync.log; exit 1; }}
gunicorn --config /usr/local/share/mastic/gunicorn.conf.py --bind 127.0.0.1:9999 '{application}' >/tmp/api.log 2>&1 &
curl --silent --retry 60 --retry-delay 1 --retry-connrefused http://127.0.0.1:9999{path} \\
 || {{ tail -20 /tmp/api.log; exit 1; }}
echo
id -un
"""


@dataclass(frozen=True)
class Served:
    """An API and how it is started."""

    service: str
    sync: str
    application: str
    path: str


KEYSTONE = Served("keystone", "keystone-manage db_sync", "keystone.wsgi.api:application", "/v3")


def served(graph: ImageGraph, image: str, what: Served, folder: Path) -> tuple[str, str]:
    """What the API of an image answers, and which user runs it."""
    (reference,) = standing(image, graph=graph)
    name = "glance-api.conf" if what.service == "glance" else f"{what.service}.conf"
    (folder / name).write_text(CONFIGURATION[what.service])
    script = SCRIPT.format(sync=what.sync, application=what.application, path=what.path)
    command = ["docker", "run", "--rm", "--network=none", "--entrypoint=bash"]
    command += [f"--volume={folder / name}:/etc/{what.service}/{name}:ro", reference, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    answer, _, user = done.stdout.strip().rpartition("\n")
    return answer, user
