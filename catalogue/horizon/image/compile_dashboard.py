"""Compiles the dashboard's style sheets and scripts into the image, and removes what only the compiling needs.

Runs as root while the image is built. The same files give the same bytes: a fixed hash seed, a sorted manifest.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

VENV = Path("/var/lib/kolla/venv")
SETTINGS = Path("/etc/openstack-dashboard/local_settings.py")
FOR_COMPILING = """\
SECRET_KEY = "for compiling only"
COMPRESS_OFFLINE = True
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
"""
SOURCES = {".eot", ".less", ".map", ".po", ".scss"}
"""Of style sheets and translations, and fonts for browsers of another age."""
UNUSED = [f"xstatic/pkg/font_awesome/data/{name}" for name in ("metadata", "sprites", "svgs")]


def main() -> None:
    packages = next(VENV.glob("lib/python3*/site-packages"))
    SETTINGS.parent.mkdir(mode=0o755)
    shutil.chown(SETTINGS.parent, "horizon", "horizon")
    (packages / "openstack_dashboard/local/local_settings.py").symlink_to(SETTINGS)
    SETTINGS.write_text(FOR_COMPILING)
    run("collectstatic", "--noinput", "--link")  # links: no file is in the image twice
    told = run("compress", "--force")
    if "rror" in told:  # it leaves out what it cannot render and ends well
        raise SystemExit(told)
    SETTINGS.unlink()
    sort_manifest(packages / "static/dashboard/manifest.json")
    remove_sources(packages)


def run(*words: str) -> str:
    variables = {"DJANGO_SETTINGS_MODULE": "openstack_dashboard.settings", "PYTHONHASHSEED": "0"}
    variables |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}
    command = [str(VENV / "bin/django-admin"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | variables)
    print(done.stdout + done.stderr, flush=True)
    if done.returncode:
        raise SystemExit(f"`django-admin {words[0]}` ended with exit code {done.returncode}")
    return done.stdout + done.stderr


def sort_manifest(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1, sort_keys=True))


def remove_sources(packages: Path) -> None:
    for name in UNUSED:
        shutil.rmtree(packages / name)
    for compiler in packages.glob("_sass*.so"):
        compiler.unlink()
    for name in ("django", "horizon", "openstack_dashboard", "static", "xstatic"):
        for path in (packages / name).rglob("*"):
            if path.suffix in SOURCES or (name.endswith("static") and path.is_symlink() and not path.exists()):
                path.unlink()


if __name__ == "__main__":
    main()
