"""Desired × Observed → Plan, pure."""
