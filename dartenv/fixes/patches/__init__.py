"""Source patches: syntax-tree transforms of a DART tree that keep every other byte as it is."""
