"""A machine that builds a small cloud of one service with the real command; its images are no other test's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mastic.build.engine import find_engine

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
CLOUD = "cloud: carried\nhosts: {one: {}}\nservices: [page]\n"
FETCH = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:18080/page').read().decode())"


@dataclass(frozen=True)
class Machine:
    """Where a cloud is defined, built and bundled."""

    folder: Path

    @property
    def bundle(self) -> Path:
        return self.folder / "cloud.bundle"

    def words(self, *words: str, state: str = "state") -> list[str]:
        return [sys.executable, "-m", "mastic", *words, "--state", str(self.folder / state)]

    def run(self, words: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
        names = {
            "MASTIC_SIGNING_KEY": str(self.folder / "key.pem"),
            "MASTIC_VAULT_PASSWORD_FILE": str(self.folder / "vault"),
            "PYTHONPATH": str(REPOSITORY),
        }
        return subprocess.run(
            words, env=os.environ | names | variables, cwd=self.folder, capture_output=True, text=True, check=False
        )

    def mastic(self, *words: str, state: str = "state", **variables: str) -> subprocess.CompletedProcess[str]:
        places = ("--cloud", "cloud.yml", "--catalogue", "catalogue") if words[:2] != ("bundle", "load") else ()
        return self.run(self.words(*words, *places, state=state), **variables)


def new_machine(folder: Path, cloud: str = CLOUD) -> Machine:
    """With the catalogue's base images and the service `page`; nothing is built yet."""
    (folder / "catalogue/page").mkdir(parents=True)
    shutil.copytree(REPOSITORY / "catalogue/_shared", folder / "catalogue/_shared")
    shutil.copy(HERE / "service.yml", folder / "catalogue/page/service.yml")
    (folder / "cloud.yml").write_text(cloud)
    forget_page()  # one that stands from an earlier run has no record in this folder
    return Machine(folder)


def forget_page() -> None:
    engine = find_engine()
    for reference in engine.images():
        if reference.startswith("mastic/page:"):
            engine.forget(reference)
