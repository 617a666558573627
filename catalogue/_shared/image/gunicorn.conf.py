"""How every WSGI application is served: threads, no fork after start-up work, settings from the environment.

The command line says the rest: `gunicorn -c … --bind 127.0.0.1:19292 glance.wsgi.api:application`.
"""

import os
import sys

worker_class = "gthread"
workers = int(os.environ.get("WSGI_WORKERS", "1"))
threads = int(os.environ.get("WSGI_THREADS", "4"))
timeout = 0  # gthread's heartbeat is blind to long requests; a dead process is the engine's health check's business
graceful_timeout = 20
keepalive = 65  # longer than the load balancer keeps an idle connection, so that never this side closes first
forwarded_allow_ips = "*"  # only the load balancer reaches the port
worker_tmp_dir = "/dev/shm"
control_socket_disable = True
limit_request_line = 8190

os.environ.setdefault("ASGI_WORKERS", str(workers))  # neutron counts API workers from it


def post_fork(server, worker):
    """The applications parse sys.argv themselves and would stumble over gunicorn's options."""
    del sys.argv[1:]
