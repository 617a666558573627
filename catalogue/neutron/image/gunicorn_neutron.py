"""How neutron's API is served: as every application, with its policy loaded before the first request."""

import signal
from runpy import run_path

globals().update(
    (name, value)
    for name, value in run_path("/usr/local/share/mastic/gunicorn.conf.py").items()
    if not name.startswith("__")
)


def post_worker_init(worker):
    """Put right what loading the application leaves half done (neutron 29.0)."""
    # It loads the policy lazily and without a lock: of two first requests at once one was answered 403.
    from neutron import policy

    policy.init()
    # The OVN driver takes SIGTERM for itself, so the worker would go on until it is killed, 20 s later.
    signal.signal(signal.SIGTERM, worker.handle_exit)
