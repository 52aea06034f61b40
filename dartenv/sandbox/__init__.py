"""A small DART-shaped project of our own, for machines without DART."""
