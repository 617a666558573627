"""Catalogue → its version: two catalogues that lead to the same clouds have the same one."""

from __future__ import annotations

import hashlib

from mastic.model.catalogue import Catalogue


def catalogue_version(catalogue: Catalogue) -> str:
    """Digest of everything that was read."""
    total = hashlib.sha256()
    for name, folder in sorted({**catalogue.folders, "": catalogue.shared}.items()):
        total.update(f"\0{name}\0{folder.service!r}".encode())
        for path, text in sorted(folder.templates.items()):
            total.update(f"\0{path}\0{text}".encode())
        for path, content in sorted(folder.image_files.items()):
            total.update(f"\0{path}\0".encode() + content)
    for release, lock in sorted(catalogue.locks.items()):
        total.update(f"\0{release}\0{lock}".encode())
    return total.hexdigest()[:12]
