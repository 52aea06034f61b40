"""Pages behind ``dartenv explain``."""
