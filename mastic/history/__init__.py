"""Run → Generation: what ran, what stands, and who is at work."""
