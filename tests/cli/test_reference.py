"""The generated pages below docs/ and the wheel hold what the sources say."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_generated_pages_are_current() -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    program = [sys.executable, "tools/reference.py", "--check"]
    run = subprocess.run(program, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, ""), run.stdout + run.stderr


def test_the_wheel_holds_the_catalogue(tmp_path: Path) -> None:
    build = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    source = tmp_path / "source"
    source.mkdir()
    for name in ("mastic", "catalogue", "setup.py", "MANIFEST.in", "pyproject.toml", "README.md", "LICENSE"):
        (source / name).symlink_to(REPOSITORY / name)
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=source, capture_output=True, check=True)
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = (file.relative_to(REPOSITORY) for file in (REPOSITORY / "catalogue").rglob("*") if file.is_file())
    wanted = {f"mastic/_{file}" for file in shipped if "__pycache__" not in file.parts}
    assert wanted <= names
    assert {"mastic/pipeline.py", "mastic/cli/main.py", "mastic/lint/skeleton/service.yml"} <= names
