"""Several hosts with their networks: made, reached, broken and thrown away together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.hosts import fabric, host
from tests.hosts.fabric import Fabric
from tests.hosts.host import Host
from tests.hosts.root import PLACE, Root, make_root
from tests.hosts.shell import NotInTime, run, until


@dataclass(frozen=True)
class Lab:
    """Hosts that see each other."""

    fabric: Fabric
    folder: Path
    hosts: tuple[Host, ...]

    def __getitem__(self, name: str) -> Host:
        return next(each for each in self.hosts if each.name == name)

    @property
    def config(self) -> Path:
        return self.folder / "ssh_config"

    @property
    def key(self) -> Path:
        return self.folder / "key"


@dataclass(frozen=True)
class Wanted:
    """A lab to be made: name of host → its kind."""

    hosts: dict[str, Root]
    networks: int = 1


def make_lab(wanted: Wanted) -> Lab:
    """Wires and disks; nothing runs yet."""
    roots = {name: make_root(root) for name, root in wanted.hosts.items()}
    wires = fabric.claim(wanted.networks)
    folder = PLACE / "labs" / str(wires.lab)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    fabric.lay(wires)
    hosts = tuple(
        Host(wires, number, name, root, folder / name, folder / "ssh_config")
        for number, (name, root) in enumerate(roots.items())
    )
    lab = Lab(wires, folder, hosts)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", lab.key)
    public = Path(f"{lab.key}.pub").read_text()
    for each in hosts:
        host.install(each, public)
        _know_each_other(lab, each)
    _write_ssh(lab)
    (folder / "lab.json").write_text(
        json.dumps({"fabric": asdict(wires), "hosts": {h.name: str(h.root) for h in hosts}})
    )
    return lab


def read_lab(number: int) -> Lab:
    """A lab that an earlier process made."""
    folder = PLACE / "labs" / str(number)
    said = json.loads((folder / "lab.json").read_text())
    wires = Fabric(**said["fabric"])
    hosts = (
        Host(wires, place, name, Path(root), folder / name, folder / "ssh_config")
        for place, (name, root) in enumerate(said["hosts"].items())
    )
    return Lab(wires, folder, tuple(hosts))


def labs() -> list[Lab]:
    """Every lab of this machine."""
    found = PLACE.joinpath("labs").glob("*/lab.json")
    return [read_lab(int(path.parent.name)) for path in sorted(found)]


def boot(lab: Lab, names: Sequence[str] = ()) -> None:
    """Power on; returns when ssh answers, and the engine where there is one."""
    chosen = [each for each in lab.hosts if not names or each.name in names]
    for each in chosen:
        host.boot(each)
    together(wait_for, chosen)


def wait_for(one: Host) -> None:
    """Until a host that was powered on is of use."""
    until(f"ssh on {one.name}", lambda: _is_up(one))
    if (one.root / "usr/sbin/dockerd").exists():
        try:
            until(f"the engine on {one.name}", lambda: host.has_engine(one))
        except NotInTime as error:
            raise NotInTime(f"{error}: {one.output('tail', '/var/log/dockerd.log')}") from None


def _is_up(one: Host) -> bool:
    """Raises RuntimeError when the host has ended."""
    if not host.is_on(one):
        raise RuntimeError(f"{one.name} went off: {(one.folder / 'console.log').read_text()[-500:]}")
    return host.answers(one)


def together(what: Callable[[Host], None], hosts: Sequence[Host]) -> None:
    """The same with several hosts at once."""
    with ThreadPoolExecutor(max(1, min(16, len(hosts)))) as pool:
        list(pool.map(what, hosts))


def destroy(lab: Lab) -> None:
    """Nothing stays but the shared roots."""
    together(host.destroy, lab.hosts)
    fabric.clear(lab.fabric)
    shutil.rmtree(lab.folder)


@contextmanager
def running(wanted: Wanted) -> Iterator[Lab]:
    """A lab that is gone in the end, whatever happens."""
    lab = make_lab(wanted)
    try:
        boot(lab)
        yield lab
    finally:
        destroy(lab)


def variables(one: Host) -> dict[str, str]:
    """How Ansible reaches a host."""
    return {
        "ansible_host": one.address(),
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(one.config.with_name("key")),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={one.config.with_name('known_hosts')}",
    }


def _know_each_other(lab: Lab, one: Host) -> None:
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    lines += [f"{each.address()} {each.name}" for each in lab.hosts]
    (one.folder / "upper/etc/hosts").write_text("\n".join(lines) + "\n")


def _write_ssh(lab: Lab) -> None:
    """What ssh needs to reach the hosts by name, and host keys that are known."""
    known = lab.folder / "known_hosts"
    keys = [(h, (h.folder / "upper/etc/ssh/ssh_host_ed25519_key.pub").read_text()) for h in lab.hosts]
    known.write_text("".join(f"{h.name},{h.address()} {key}" for h, key in keys))
    common = (
        f"Host *\n  User root\n  IdentityFile {lab.key}\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n"
        "  ConnectTimeout 3\n  BatchMode yes\n  LogLevel ERROR\n"
    )
    entries = "".join(f"Host {h.name} {h.address()}\n  HostName {h.address()}\n" for h in lab.hosts)
    lab.config.write_text(entries + common)
