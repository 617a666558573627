"""How neutron's API is served: as every application, with its policy loaded before the first request."""

import os
from runpy import run_path

globals().update(
    (name, value)
    for name, value in run_path("/usr/local/share/mastic/gunicorn.conf.py").items()
    if not name.startswith("__")
)


def post_worker_init(worker):
    """Load the policy now: neutron loads it lazily and without a lock.

    Two threads at once in the first seconds made one of them answer 403 (neutron 29.0, `neutron.policy.init`).
    """
    from neutron import policy

    policy.init()


def worker_exit(server, worker):
    """End now that no request is left: threads of the OVN driver would hold the process until it is killed."""
    os._exit(0)
