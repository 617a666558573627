"""Images of this machine's engine → one store of layers that hosts share, read-only, as if each had pulled them.

A host's own store has everything but the layers' content; that is a link to the shared one. It knows how Docker's
overlay2 driver lays out its folder (20.10 and 26.1).
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.hosts import host, lab
from tests.hosts.host import Host
from tests.hosts.root import PLACE, Root
from tests.hosts.shell import run, until

INSIDE = "/srv/seed"
"""Where a host sees the shared store (see `enter.sh`)."""


@dataclass(frozen=True)
class Seed:
    """Images, and the kind of host whose engine stores them."""

    root: Root
    images: tuple[str, ...]

    @property
    def folder(self) -> Path:
        ids = run("docker", "inspect", "-f", "{{.Id}}", *self.images)
        digest = hashlib.sha256(repr((self.root.folder.name, self.images, ids)).encode()).hexdigest()[:12]
        return PLACE / "seeds" / digest


def make_seed(seed: Seed) -> Path:
    """The shared store; an engine of the hosts' kind loads the images into it, once."""
    folder = seed.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            made = lab.make_lab(lab.Wanted({"seed": seed.root}))
            try:
                lab.boot(made)
                _load(made["seed"], seed.images)
                shutil.move(made["seed"].folder / "docker", folder)
            finally:
                lab.destroy(made)
    return folder


def _load(one: Host, images: tuple[str, ...]) -> None:
    """Bring the images over and stop the engine in order, so that its records are whole."""
    saving = subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE)
    with saving:
        load = ["ssh", "-F", str(one.config), one.name, "docker load --quiet"]
        subprocess.run(load, stdin=saving.stdout, check=True, capture_output=True)
    one.output("pkill", "-x", "dockerd")
    until("the engine's end", lambda: one.run("pgrep", "-x", "dockerd").returncode != 0)
    host.kill(one)


def plant(one: Host, store: Path) -> None:
    """Give a host that is off the images of a shared store: a second and a megabyte instead of their size."""
    link = one.folder / "seed"
    link.unlink(missing_ok=True)
    link.symlink_to(store)
    own = one.folder / "docker"
    shutil.copytree(store / "image", own / "image", dirs_exist_ok=True)
    shutil.copytree(store / "overlay2/l", own / "overlay2/l", symlinks=True, dirs_exist_ok=True)
    for layer in (store / "overlay2").iterdir():
        if layer.name != "l":
            _plant_layer(layer, own / "overlay2" / layer.name)


def _plant_layer(layer: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for name in ("link", "lower", "committed"):
        if (layer / name).exists():
            shutil.copy(layer / name, target / name)
    (target / "diff").symlink_to(f"{INSIDE}/overlay2/{layer.name}/diff")
    if (layer / "lower").exists():
        (target / "work").mkdir(exist_ok=True)
