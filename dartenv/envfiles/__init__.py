"""A profile as files that other tools take: ``dartenv env export``."""
