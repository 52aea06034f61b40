"""Errors a user can act on, each with the exit code it ends the program with."""

from __future__ import annotations

from typing import Optional

EXIT_OK = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_INTERNAL = 3
EXIT_FIX_FAILED = 4
EXIT_DECLINED = 5
EXIT_INTERRUPTED = 130


class DartenvError(Exception):
    """Something the user can act on: what was found, what was expected, and what helps.

    ``found`` is the value seen, ``expected`` what was wanted and where that comes from,
    ``help`` the one command or act that helps.
    """

    exit_code = EXIT_USAGE

    def __init__(
        self, found: str, expected: Optional[str] = None, help: Optional[str] = None
    ) -> None:
        self.found = found
        self.expected = expected
        self.help = help
        super().__init__(self.render())

    def render(self) -> str:
        """The error as one line."""
        parts = [self.found]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.help:
            parts.append(f"try: {self.help}")
        return "; ".join(parts)


class UsageFault(DartenvError):
    """Wrong usage or unreadable input: exit code 2."""


class FixFault(DartenvError):
    """A fix failed and was rolled back: exit code 4."""

    exit_code = EXIT_FIX_FAILED


class Declined(DartenvError):
    """The user, or the lack of a terminal to ask on, said no: exit code 5."""

    exit_code = EXIT_DECLINED
