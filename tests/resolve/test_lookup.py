"""Which override files are read for a file, in Kolla's order."""

from __future__ import annotations

import pytest

from mastic.model.service import File
from mastic.resolve.lookup import Lookup, format_of, override_names

KOLLA = {
    "main file": (
        Lookup("nova", "nova-api", "ctl1", "nova.conf", "ini", oslo=True),
        "global.conf nova.conf nova/nova-api.conf nova/ctl1/nova.conf nova/ctl1/nova-api.conf",
    ),
    "main file named after its workload": (
        Lookup("glance", "glance-api", "ctl1", "glance-api.conf", "ini", oslo=True),
        "global.conf glance.conf glance/glance-api.conf glance/ctl1/glance.conf glance/ctl1/glance-api.conf",
    ),
    "workload named after its service": (
        Lookup("keystone", "keystone", "ctl1", "keystone.conf", "ini", oslo=True),
        "global.conf keystone.conf keystone/keystone.conf keystone/ctl1/keystone.conf",
    ),
    "further file of a service": (
        Lookup("neutron", "neutron-server", "ctl1", "ml2_conf.ini", "ini", oslo=True),
        "neutron/ml2_conf.ini neutron/neutron-server/ml2_conf.ini neutron/ctl1/ml2_conf.ini",
    ),
    "agent's file that stands for the service's": (
        Lookup("neutron", "agent", "ctl1", "agent.ini", "ini", oslo=True, known_as=("neutron.conf",)),
        "global.conf neutron.conf neutron/agent.ini neutron/agent.conf neutron/agent/agent.ini "
        "neutron/ctl1/neutron.conf neutron/ctl1/agent.conf neutron/ctl1/agent.ini",
    ),
    "another name": (
        Lookup("mariadb", "mariadb", "ctl1", "my.cnf", "ini", oslo=False, known_as=("galera.cnf",)),
        "galera.cnf mariadb/galera.cnf mariadb/my.cnf mariadb/mariadb/galera.cnf mariadb/mariadb/my.cnf "
        "mariadb/ctl1/galera.cnf mariadb/ctl1/my.cnf",
    ),
    "whole file": (
        Lookup("rabbitmq", "rabbitmq", "ctl1", "rabbitmq.conf", "text", oslo=False),
        "rabbitmq/rabbitmq.conf rabbitmq/rabbitmq/rabbitmq.conf rabbitmq/ctl1/rabbitmq.conf",
    ),
    "main file that oslo.config does not read": (
        Lookup("web", "web-api", "ctl1", "web.conf", "ini", oslo=False),
        "web.conf web/web-api.conf web/ctl1/web.conf web/ctl1/web-api.conf",
    ),
}


@pytest.mark.parametrize("lookup,names", KOLLA.values(), ids=KOLLA)
def test_files_are_looked_for_in_order(lookup: Lookup, names: str) -> None:
    assert " ".join(name for _, name in override_names(lookup)) == names


@pytest.mark.parametrize("lookup,names", KOLLA.values(), ids=KOLLA)
def test_levels_only_grow(lookup: Lookup, names: str) -> None:
    order = ["global", "service", "workload", "host"]
    levels = [order.index(level) for level, _ in override_names(lookup)]
    assert levels == sorted(levels)


@pytest.mark.parametrize(
    "said,format",
    [
        (File(to="/etc/a.conf", template="a"), "ini"),
        (File(to="/etc/a.json", template="a"), "json"),
        (File(to="/etc/a.yml", template="a"), "yaml"),
        (File(to="/etc/a.pem", template="a"), None),
        (File(to="/etc/a.conf", content="a"), None),
        (File(to="/etc/a.conf", content="a", format="ini"), "ini"),
        (File(to="/etc/a.conf", template="a", format="text"), "text"),
    ],
)
def test_format_is_by_suffix_unless_said(said: File, format: str | None) -> None:
    assert format_of(said, said.to.rpartition("/")[2]) == format
