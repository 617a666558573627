"""Services that the example leaves out join a running cloud, work, and leave it again."""

from __future__ import annotations

import re
import ssl
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from mastic.verify.api import connect
from mastic.verify.wait import wait_until
from tests.e2e.engine import containers
from tests.e2e.lab import Lab

pytestmark = pytest.mark.cloud
MORE = ["heat", "horizon", "cinder"]
TEMPLATE: dict[str, Any] = {
    "heat_template_version": "2021-04-16",
    "resources": {
        "network": {"type": "OS::Neutron::Net", "properties": {"name": "mastic-e2e-stacked"}},
        "subnet": {
            "type": "OS::Neutron::Subnet",
            "properties": {"network": {"get_resource": "network"}, "cidr": "10.99.0.0/24"},
        },
        "words": {"type": "OS::Heat::RandomString"},
    },
    "outputs": {"words": {"value": {"get_attr": ["words", "value"]}}},
}


@pytest.fixture(scope="module")
def larger(cloud: Lab) -> Iterator[Lab]:
    """The running cloud with more services; they go again."""
    before, definition = cloud.cloud.read_text(encoding="utf-8"), cloud.definition()
    try:
        cloud.write(definition | {"services": definition["services"] + MORE})
        cloud.mastic("apply", "--yes", "--no-verify").succeeded()
        yield cloud
    finally:
        cloud.cloud.write_text(before, encoding="utf-8")
        cloud.mastic("apply", "--yes", "--no-verify").succeeded()
    left = set(containers(cloud.name)) & {"heat_api", "heat_engine", "horizon", "cinder_api", "cinder_scheduler"}
    assert left == set()


def test_nothing_is_left_to_do_and_every_check_passes(larger: Lab) -> None:
    assert larger.mastic("plan", "--check", "--json").exit_code == 0
    larger.mastic("verify", "--json").succeeded()


def test_a_stack_makes_its_resources_and_takes_them_away(larger: Lab) -> None:
    connection = connect(larger.clouds_yaml)
    stack = connection.orchestration.create_stack(name="mastic-e2e-stack", template=TEMPLATE)
    try:
        made = connection.orchestration.wait_for_status(stack, "CREATE_COMPLETE", ["CREATE_FAILED"], 1, 120)
        found = connection.orchestration.get_stack(made.id)
        assert len(found.outputs[0]["output_value"]) == 32
        assert connection.network.find_network("mastic-e2e-stacked").subnet_ids
    finally:
        connection.orchestration.delete_stack(stack)
    gone = wait_until(
        "the stack's network to go",
        lambda: True if connection.network.find_network("mastic-e2e-stacked") is None else None,
        120,
    )
    assert gone


def test_the_scheduler_of_volumes_reports_to_its_api(larger: Lab) -> None:
    connection = connect(larger.clouds_yaml)

    def look() -> str | None:
        states = {each.binary: each.state for each in connection.block_storage.services()}
        return states.get("cinder-scheduler") if states.get("cinder-scheduler") == "up" else None

    assert wait_until("cinder-scheduler to be up", look, 90) == "up"


def browser(lab: Lab) -> urllib.request.OpenerDirector:
    trusting = ssl.create_default_context(cafile=str(lab.state / "ca.pem"))
    cookies = urllib.request.HTTPCookieProcessor(CookieJar())
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=trusting), cookies)


def test_the_administrator_logs_in_to_the_dashboard(larger: Lab) -> None:
    opened, url = browser(larger), "https://127.0.0.1:8443"
    page = opened.open(f"{url}/auth/login/", timeout=60).read().decode()
    for path in set(re.findall(r'(?:href|src)="(/static/dashboard/[^"]+)"', page)):
        assert opened.open(f"{url}{path}", timeout=60).status == 200
    (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page))
    auth = yaml.safe_load(larger.clouds_yaml.read_text(encoding="utf-8"))["clouds"]["mastic"]["auth"]
    said = {"username": auth["username"], "password": auth["password"], "csrfmiddlewaretoken": token}
    form = urlencode(said | {"region": "default", "domain": auth["user_domain_name"], "auth_type": "credentials"})
    login = urllib.request.Request(f"{url}/auth/login/", form.encode(), {"Referer": f"{url}/auth/login/"})
    answer = opened.open(login, timeout=60)
    assert "/auth/login" not in answer.url
    shown = opened.open(f"{url}/identity/", timeout=60)
    assert "/auth/login" not in shown.url and auth["project_name"] in shown.read().decode()
