"""What a host's Python is told to do with its standard input: keep the agent if it is new, then become it."""

from __future__ import annotations

import shlex

SCRIPT = """
import json, os, sys
size, digest, subcommand = int(sys.argv[1]), sys.argv[2], sys.argv[3]

def give_up(why):
    print(json.dumps({"error": why}))
    sys.exit(1)

if sys.version_info < (3, 9):
    give_up("Python %d.%d is too old for the agent: 3.9 is needed" % sys.version_info[:2])
if os.geteuid() != 0:
    give_up("the agent has to run as root, for example with ansible_become")
parts = []
while size:
    part = os.read(0, min(size, 65536))
    if not part:
        sys.exit("the connection ended before the agent was there")
    parts.append(part)
    size -= len(part)
folder = "/var/lib/mastic-agent"
path = folder + "/agent-" + digest + ".pyz"
try:
    os.makedirs(folder, 0o755, exist_ok=True)
    if not os.path.exists(path):
        draft = path + "." + str(os.getpid())
        with open(draft, "wb") as file:
            file.write(b"".join(parts))
        os.replace(draft, path)
except OSError as error:
    give_up("the agent cannot be put on the host: %s" % error)
os.execv(sys.executable, [sys.executable, "-I", "-S", path, subcommand])
"""


def command(python: str, size: int, digest: str, subcommand: str) -> str:
    """A line for a host's shell; nothing secret is in it."""
    return " ".join([python, "-I", "-S", "-c", shlex.quote(SCRIPT), str(size), digest, subcommand])
