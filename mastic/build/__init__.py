"""Catalogue + Cloud → image graph → images in the engine; graph, lock and digests are pure, builder and root act."""
