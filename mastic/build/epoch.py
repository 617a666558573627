"""The one day that every file, image and stored row says it was made on."""

EPOCH = 1790726400
"""No file of an image is younger: 2026-09-30. One day for all, so that every release shares roots and databases."""
