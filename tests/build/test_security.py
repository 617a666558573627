"""What built images must not contain: compilers, secrets, setuid programs beyond a list, processes as root."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from mastic.build.engine import find_engine
from mastic.build.layer import SETUID
from mastic.load.catalogue import load_catalogue
from tests.build.standing import larger, standing

pytestmark = pytest.mark.engine
REPOSITORY = Path(__file__).resolve().parents[2]
NOT_FOR_CONTAINERS = ("apt-lists", "build-tools")
"""Only mounted while others are built."""
BUILD_PACKAGE = re.compile(r"(?m)^(?:\S+-dev|gcc(?:-\d+)?|g\+\+\S*|cpp(?:-\d+)?|make|binutils\S*)(?::\w+)?$")
LOOK = r"""
import json, os, re, stat
secret = re.compile(rb"-----BEGIN (?:RSA |EC |OPENSSH |ENCRYPTED |DSA )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}")
found = {"setuid": [], "keys": [], "leftovers": [], "writable": []}
for folder, folders, files in os.walk("/", topdown=True):
    folders[:] = [f for f in folders if os.path.join(folder, f) not in ("/proc", "/sys", "/dev")]
    for name in files:
        path = os.path.join(folder, name)
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            continue
        if status.st_mode & (stat.S_ISUID | stat.S_ISGID):
            found["setuid"].append(path)
        if status.st_mode & stat.S_IWOTH:
            found["writable"].append(path)
        if name in ("id_rsa", "id_ed25519", ".erlang.cookie", "pip.conf", "uv.toml", ".netrc", ".npmrc") \
                or folder.startswith("/run/secrets") or folder == "/etc/apt/sources.list.d":
            found["leftovers"].append(path)
        if status.st_size < 200000 and not name.endswith((".py", ".pyc", ".so")):
            with open(path, "rb") as file:
                if secret.search(file.read()):
                    found["keys"].append(path)
print(json.dumps(found))
"""


def inspected() -> Iterator[str]:
    """Images of containers: those that have the root's Python to look with."""
    nodes = larger().nodes
    yield from (name for name in nodes if name not in NOT_FOR_CONTAINERS and name != "mastic-guest")


@cache
def reference(name: str) -> str:
    return standing(name, graph=larger())[0]


@cache
def looked(name: str) -> dict[str, list[str]]:
    words = ("run", "--rm", "--network=none", "--user=root", "--entrypoint=python3", reference(name), "-I", "-c", LOOK)
    found: dict[str, list[str]] = json.loads(find_engine().ask(*words))
    return found


@pytest.mark.parametrize("name", list(inspected()))
def test_only_listed_programs_run_as_their_owner(name: str) -> None:
    assert set(looked(name)["setuid"]) <= {f"/{path}" for path in SETUID}


@pytest.mark.parametrize("name", list(inspected()))
def test_no_secret_and_no_setting_of_the_building_machine_is_in_a_layer(name: str) -> None:
    found = looked(name)
    assert (found["keys"], found["leftovers"], found["writable"]) == ([], [], [])


@pytest.mark.parametrize("name", list(inspected()))
def test_no_compiler_and_no_headers(name: str) -> None:
    words = ("run", "--rm", "--network=none", "--entrypoint=dpkg-query", reference(name), "-W", "-f", "${Package}\n")
    assert BUILD_PACKAGE.findall(find_engine().ask(*words)) == []


@pytest.mark.parametrize("name", list(inspected()))
def test_environment_and_history_hold_no_secret(name: str) -> None:
    image = find_engine().inspect(reference(name))
    said = json.dumps([image["Config"]["Env"], find_engine().ask("history", "--no-trunc", reference(name))])
    assert not re.search(r"(?i)passw|secret|token|https?_proxy|://", said)


def users() -> Iterator[tuple[str, str]]:
    catalogue = load_catalogue(REPOSITORY / "catalogue")
    for name, folder in catalogue.image_owners().items():
        if (user := folder.service.images[name].user) and name in larger().nodes:
            yield name, user


@pytest.mark.parametrize(("name", "user"), list(users()))
def test_a_service_runs_as_its_own_user_with_its_fixed_number(name: str, user: str) -> None:
    catalogue = load_catalogue(REPOSITORY / "catalogue")
    words = ("run", "--rm", "--network=none", "--entrypoint=id", reference(name))
    assert find_engine().ask(*words, "-un").strip() == user
    assert int(find_engine().ask(*words, "-u")) == catalogue.users[user][0]


@pytest.mark.parametrize("name", ["base", "openstack-base"])
def test_every_container_has_an_init_and_the_health_checks(name: str) -> None:
    assert find_engine().inspect(reference(name))["Config"]["Entrypoint"] == ["dumb-init", "--single-child", "--"]
    checks = " ".join(f"healthcheck_{each}" for each in ("curl", "listen", "port", "socket", "filemod"))
    words = ("run", "--rm", "--network=none", "--entrypoint=sh", reference(name), "-c")
    assert len(find_engine().ask(*words, f"which dumb-init {checks}").split()) == 6
