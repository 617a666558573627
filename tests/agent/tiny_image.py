"""A container image of a few megabytes, made of this machine's own shell: nothing comes from the network."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from pathlib import Path

REFERENCE = "mastic/agent-test:1"
PROGRAMS = ("/bin/sh", "/bin/cat", "/bin/sleep", "/bin/rm", "/bin/mkdir", "/bin/ls")
SET_CONFIGS = "#!/bin/sh\ncat /var/lib/kolla/config_files/run.sh > /run.sh\n"
START = "#!/bin/sh\nset -e\nkolla_set_configs\nexec /bin/sh /run.sh\n"


def make_tiny_image() -> str:
    """Import the image unless the engine has it; returns its reference."""
    if subprocess.run(["docker", "image", "inspect", REFERENCE], capture_output=True, check=False).returncode != 0:
        change = 'CMD ["kolla_start"]'
        command = ["docker", "import", "--change", change, "-", REFERENCE]
        subprocess.run(command, input=tarball(), check=True, capture_output=True)
    return REFERENCE


def tarball() -> bytes:
    """Programs with their libraries, and two scripts by the names of Kolla's."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for path in sorted({*PROGRAMS, *libraries()}):
            add(archive, path, Path(path).read_bytes())
        add(archive, "/usr/local/bin/kolla_set_configs", SET_CONFIGS.encode())
        add(archive, "/usr/local/bin/kolla_start", START.encode())
        add(archive, "/etc/passwd", b"root:x:0:0::/:/bin/sh\nservice:x:42400:42400::/:/bin/sh\n")
    return target.getvalue()


def libraries() -> set[str]:
    """Shared libraries and the loader that the programs need."""
    listed = subprocess.run(["ldd", *PROGRAMS], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"(/\S+) \(0x", listed))


def add(archive: tarfile.TarFile, path: str, content: bytes) -> None:
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.size, entry.mode = len(content), 0o755
    archive.addfile(entry, io.BytesIO(content))
