"""Bringing files from the network: whole and right, or not at all."""
