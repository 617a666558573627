"""Catalogue → every problem of it that can be found without a host, and folders to start from."""
