"""The dashboard as one WSGI application: Django's, and before it the files that were collected in the image.

Django serves no files by itself, and a web server only for them would be a second process in the container.
"""

import mimetypes
import os
from email.utils import formatdate
from pathlib import Path
from wsgiref.util import FileWrapper

from django.conf import settings
from openstack_dashboard.wsgi import application as dashboard

DAY = 86400


def application(environ, start_response):
    path = environ.get("PATH_INFO", "")
    if not path.startswith(settings.STATIC_URL):
        return dashboard(environ, start_response)
    return static(path[len(settings.STATIC_URL) :], environ, start_response)


def static(name, environ, start_response):
    """A collected file; never one outside of the folder."""
    path = Path(settings.STATIC_ROOT) / name
    if environ.get("REQUEST_METHOD") not in ("GET", "HEAD") or ".." in path.parts or not path.is_file():
        return refuse(start_response)
    file = path.open("rb")  # the server closes it when it is sent
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    found = os.fstat(file.fileno())
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(found.st_size)),
        ("Last-Modified", formatdate(found.st_mtime, usegmt=True)),
        ("Cache-Control", f"max-age={DAY}"),
    ]
    start_response("200 OK", headers)
    return environ.get("wsgi.file_wrapper", FileWrapper)(file)


def refuse(start_response):
    start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "10")])
    return [b"not found\n"]
