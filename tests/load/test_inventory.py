"""Hosts of a definition and of the operator's own inventory; what is wrong is told before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from mastic.errors import InputError
from mastic.hosts import reach_of
from mastic.load.cloud import load_cloud
from mastic.model.catalogue import CloudFile

INI = """
[control]
ctl1 ansible_host=192.0.2.11
[compute]
cmp1 ansible_host=192.0.2.21 mastic_address=198.51.100.21
cmp2 ansible_host=192.0.2.22
[network:children]
control
[all:vars]
ansible_user=debian
"""
YAML = """
all:
  children:
    control: {hosts: {ctl1: {ansible_host: 192.0.2.11}}}
    compute:
      hosts: {cmp1: {ansible_host: 192.0.2.21, mastic_address: 198.51.100.21}, cmp2: {ansible_host: 192.0.2.22}}
    network: {children: {control: {}}}
"""
LOCAL = "hosts:\n  a: {connection: local}\n  b: {connection: local, address: 192.0.2.2}\n"
TWO = "hosts:\n  a: {connection: ansible, address: 192.0.2.1%s}\n  b: {connection: ansible, address: 192.0.2.2%s}\n"


def load(folder: Path, rest: str, inventory: str = "", name: str = "hosts.ini") -> CloudFile:
    (folder / name).write_text(inventory)
    (folder / "cloud.yml").write_text(f"cloud: lab\nservices: [web]\n{rest}")
    return load_cloud(folder / "cloud.yml")


def refusal(folder: Path, rest: str, inventory: str = "", name: str = "hosts.ini") -> str:
    with pytest.raises(InputError) as caught:
        load(folder, rest, inventory, name)
    return str(caught.value)


@pytest.mark.parametrize(("name", "text"), [("hosts.ini", INI), ("hosts.yml", YAML)])
def test_hosts_and_groups_come_from_the_inventory(tmp_path: Path, name: str, text: str) -> None:
    file = load(tmp_path, f"inventory: {name}\n", text, name)
    found = {each: (host.address, host.groups) for each, host in file.cloud.hosts.items()}
    assert found == {
        "ctl1": ("192.0.2.11", ("control", "network")),
        "cmp1": ("198.51.100.21", ("compute",)),
        "cmp2": ("192.0.2.22", ("compute",)),
    }
    reach = reach_of(file)
    assert reach.inventory == str(tmp_path / name)
    assert reach.hosts == {"cmp1": {}, "cmp2": {}, "ctl1": {}}


def test_hosts_of_the_definition_are_chosen_and_stronger(tmp_path: Path) -> None:
    rest = (
        "inventory: hosts.ini\nhosts:\n  cmp1: {groups: [control]}\n  new: {connection: ansible, address: 192.0.2.9}\n"
    )
    file = load(tmp_path, rest, INI)
    assert file.cloud.hosts["cmp1"].groups == ("control",)
    assert file.cloud.hosts["cmp1"].address == "198.51.100.21"
    assert reach_of(file).hosts == {"cmp1": {}, "new": {"ansible_host": "192.0.2.9"}}


def test_hosts_without_an_inventory(tmp_path: Path) -> None:
    file = load(tmp_path, TWO % (", ansible: {ansible_user: debian, ansible_port: 2222}", ""))
    assert reach_of(file).hosts == {
        "a": {"ansible_host": "192.0.2.1", "ansible_user": "debian", "ansible_port": 2222},
        "b": {"ansible_host": "192.0.2.2"},
    }


def test_each_of_several_hosts_is_another_machine(tmp_path: Path) -> None:
    file = load(tmp_path, "hosts: {a: {address: 192.0.2.1}, b: {connection: local, address: 192.0.2.2}}\n")
    assert reach_of(file).hosts == {"a": {"ansible_host": "192.0.2.1"}, "b": {"ansible_connection": "local"}}


def test_one_local_host_needs_no_ansible(tmp_path: Path) -> None:
    assert reach_of(load(tmp_path, "hosts: {lab: {}}\n")).hosts == {}


def test_two_machines_cannot_be_one(tmp_path: Path) -> None:
    same = "hosts:\n  a: {connection: ansible, address: 192.0.2.1}\n  b: {connection: ansible, address: 192.0.2.1}\n"
    assert "hosts `a` and `b` have the same address `192.0.2.1`" in refusal(tmp_path, same)
    assert "cloud.yml:5" in refusal(tmp_path, same)
    assert "hosts `a` and `b` are both this machine" in refusal(tmp_path, LOCAL)


def test_a_password_belongs_into_a_vault(tmp_path: Path) -> None:
    said = refusal(tmp_path, TWO % (", ansible: {ansible_become_password: secret}", ""))
    assert "`ansible_become_password` of host `a` is a secret" in said
    assert "ansible-vault" in said


def test_only_variables_of_ansible(tmp_path: Path) -> None:
    assert "hosts.a.ansible" in refusal(tmp_path, TWO % (", ansible: {user: debian}", ""))


def test_an_inventory_that_is_not_there_or_broken(tmp_path: Path) -> None:
    assert "there is no inventory `other.ini`" in refusal(tmp_path, "inventory: other.ini\n")
    broken = refusal(tmp_path, "inventory: hosts.ini\n", "[control\nctl1\n")
    assert "the inventory cannot be read" in broken
    assert "hosts.ini" in broken


def test_a_vault_that_does_not_open(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    said = refusal(tmp_path, "inventory: hosts.ini\n", INI)
    assert "the inventory cannot be read" in said
    assert "vault" in said


def test_hosts_that_the_inventory_does_not_know(tmp_path: Path) -> None:
    said = refusal(tmp_path, "inventory: hosts.ini\nhosts: {cmp3: {connection: ansible}}\n", INI)
    assert "host `cmp3` is not in the inventory `hosts.ini`" in said
    assert "did you mean `cmp" in said


def test_names_that_mastic_cannot_use(tmp_path: Path) -> None:
    said = refusal(tmp_path, "inventory: hosts.ini\n", "[control]\n192.0.2.7\n")
    assert "host `192.0.2.7` has a name that mastic cannot use" in said


def test_hosts_outside_every_group_are_not_the_clouds(tmp_path: Path) -> None:
    assert "no host of the inventory is in a group" in refusal(tmp_path, "inventory: hosts.ini\n", "ctl1\n")
