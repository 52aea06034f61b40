"""Addresses with a password or a token in them: what of them may stand in a report."""

from __future__ import annotations

import re

# A password may hold an @, and, typed in wrongly, a slash; a port before a path is none.
CREDENTIALS = re.compile(r"(?<=://)(?:[^/\s\"'<>]+|[^/@:\s\"'<>]+:(?!\d*/)[^@\s\"'<>]+)(?=@)")
CONDA_TOKEN = re.compile(r"(?<=/t/)[^/\s\"']+(?=[/\s\"']|$)")


def masked(address: str) -> str:
    """An address for a report: without the password and the token that it may hold."""
    without = CREDENTIALS.sub(lambda m: "***" if ":" in m.group() else m.group(), address)
    return CONDA_TOKEN.sub("***", without)
