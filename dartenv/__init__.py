"""dartenv: checks, repairs and proves a machine that runs DART."""

__version__ = "0.1.0"
