"""Packages into an environment: what a lock names, by pip or uv, and back again."""
