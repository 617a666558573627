"""Catalogue + Cloud → Desired (the arrow `resolve`), pure: the same input always gives the same Desired."""
