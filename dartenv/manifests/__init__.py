"""Typed manifests: what a healthy DART machine is."""
