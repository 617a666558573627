"""How neutron's API is served: as every application, with its policy loaded before the first request."""

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
