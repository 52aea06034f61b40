"""One renderer a file, all from one report value."""
