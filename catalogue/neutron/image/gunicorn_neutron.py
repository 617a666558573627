"""How neutron's API is served: as every application, with its policy loaded before the first request."""

import signal
import time
from runpy import run_path
from threading import Thread

globals().update(
    (name, value)
    for name, value in run_path("/usr/local/share/mastic/gunicorn.conf.py").items()
    if not name.startswith("__")
)

# Seconds for which a process may believe in the members of OVN's hash ring it last read (neutron's own figure is 60).
RING_SECONDS = 1


def post_worker_init(worker):
    """Put right what loading the application leaves half done (neutron 29.0)."""
    # It loads the policy lazily and without a lock: of two first requests at once one was answered 403.
    from neutron import policy

    policy.init()
    believe_ring_for(RING_SECONDS)
    # The OVN driver takes SIGTERM for itself, so the worker would go on until it is killed, 20 s later.
    signal.signal(signal.SIGTERM, lambda *_: Thread(target=leave, args=(worker,), daemon=True).start())


def believe_ring_for(seconds):
    """The ring says which process handles an event of OVN; an event given to one that has left is lost."""
    from neutron.common.ovn import constants

    constants.HASH_RING_CACHE_TIMEOUT = seconds


def leave(worker):
    """Leave the ring first, and handle events until every other process has read that; then stop serving."""
    from neutron_lib.plugins import directory

    drivers = directory.get_plugin().mechanism_manager.mech_drivers
    try:
        believe_ring_for(3600)
        drivers["ovn"].obj._remove_node_from_hash_ring()
        time.sleep(2 * RING_SECONDS)
    finally:
        worker.handle_exit(signal.SIGTERM, None)
