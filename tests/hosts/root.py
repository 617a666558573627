"""Debian's packages → the root file system that all hosts of a kind share, made once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mastic.build.sources import host_sources

PLACE = Path(os.environ.get("MASTIC_HOSTS", "/var/lib/mastic-hosts"))
"""Roots, image stores and disks of the hosts."""
BARE = ("ca-certificates", "iproute2", "iputils-ping", "openssh-server", "procps", "python3", "tini")
ENGINE = (*BARE, "docker.io", "iptables", "keepalived")
EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")


@dataclass(frozen=True)
class Root:
    """A kind of host: a release of Debian and what is installed on it."""

    suite: str
    packages: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it lies; another list of packages is another root."""
        digest = hashlib.sha256(repr((self.suite, self.packages)).encode()).hexdigest()[:12]
        return PLACE / "roots" / f"{self.suite}-{digest}"


def engine_root(suite: str) -> Root:
    """A host with the distribution's own Docker."""
    client = () if suite == "bookworm" else ("docker-cli",)
    return Root(suite, (*ENGINE, *client))


def fresh_root(suite: str) -> Root:
    """A machine as an installer leaves it: no engine, but what brings a repository there."""
    return Root(suite, (*BARE, "git", "make"))


def make_root(root: Root) -> Path:
    """The root's folder; made when it is not there yet (half a minute with a near mirror)."""
    PLACE.joinpath("roots").mkdir(parents=True, exist_ok=True)
    with Path(f"{root.folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.folder.exists():
            draft = root.folder.with_suffix(".draft")
            shutil.rmtree(draft, ignore_errors=True)
            _bootstrap(root, draft)
            _prepare(draft)
            draft.rename(root.folder)
    return root.folder


def _bootstrap(root: Root, target: Path) -> None:
    with TemporaryDirectory() as folder:
        sources = host_sources(root.suite).write(Path(folder))["apt-sources"]
        command = [
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            "--format=directory",
            f"--include={','.join(root.packages)}",
            '--aptopt=APT::Install-Recommends "false"',
            '--aptopt=Acquire::Languages "none"',
            "--dpkgopt=force-unsafe-io",
            *(f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED),
            root.suite,
            str(target),
            str(sources),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"mmdebstrap of {root.suite} failed\n{done.stderr[-2000:]}")
        _trust_as_here(root, target, sources)


def _trust_as_here(root: Root, target: Path, sources: Path) -> None:
    """Mirrors, authorities and the index of packages as on this machine: a host reaches what the machine reaches."""
    for entry in (target / "etc/apt/sources.list.d").glob("*"):
        entry.unlink()
    (target / "etc/apt/sources.list").unlink(missing_ok=True)
    shutil.copy(sources, target / "etc/apt/sources.list.d/debian.sources")
    authorities = host_sources(root.suite).ca
    if authorities:
        shutil.copy(authorities, target / "etc/ssl/certs/ca-certificates.crt")


def _prepare(target: Path) -> None:
    """What all hosts of the kind have in common beside the packages; host keys are each host's own."""
    for key in (target / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (target / "etc/resolv.conf").unlink(missing_ok=True)
    shutil.copy("/etc/resolv.conf", target / "etc/resolv.conf")
    (target / "etc/machine-id").write_text("")
