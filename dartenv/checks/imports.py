"""Deep checks: what really imports in the target."""
