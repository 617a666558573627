"""Puts the catalogue, which lies beside the package in the repository, into the wheel as `mastic/_catalogue`."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CATALOGUE = Path(__file__).parent / "catalogue"


class BuildWithCatalogue(build_py):
    """Copies the catalogue into a build; an editable install reads it where it lies."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            shutil.copytree(CATALOGUE, Path(self.build_lib) / "mastic" / "_catalogue", dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithCatalogue})
