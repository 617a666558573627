"""Commands that print figures: `python -m benchmarks.up`, `.plan`, `.images`; never tests, never limits."""
