"""Pure functions from facts and manifests to findings."""
