"""What ``apply`` did, by fix."""

from __future__ import annotations

import enum
from typing import Callable, Dict, Optional, Tuple

import msgspec

from dartenv.errors import EXIT_FIX_FAILED, EXIT_OK
from dartenv.fixes.plan import Plan
from dartenv.fixes.recover import Recovered

# For each fix: whether its check passed on a fresh probe (None: could not tell), and why.
Verdicts = Dict[str, Tuple[Optional[bool], str]]
Verify = Callable[[Tuple[str, ...]], Verdicts]
Replan = Callable[[Tuple[str, ...]], Optional[Plan]]


class Outcome(str, enum.Enum):
    """What became of a fix."""

    REPAIRED = "repaired"  # done, and the check passes on a fresh probe
    APPLIED = "applied"  # done, and nobody could tell whether the check passes
    SKIPPED = "skipped"  # nothing was changed for it
    FAILED = "failed"  # what was changed for it has been taken back


class FixResult(msgspec.Struct, frozen=True, kw_only=True):
    """One fix: ``why`` it was skipped or failed; ``changed`` and ``restored`` name files or

    registry values; ``left`` names, each in one line, what could not be taken back.
    """

    fix: str
    outcome: Outcome
    why: str = ""
    changed: Tuple[str, ...] = ()
    restored: Tuple[str, ...] = ()
    left: Tuple[str, ...] = ()


class ApplyReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole run; ``run`` is ``None`` when nothing was begun and there is nothing to undo."""

    run: Optional[str]
    results: Tuple[FixResult, ...] = ()
    recovered: Tuple[Recovered, ...] = ()

    @property
    def exit_code(self) -> int:
        """0, or 4 when any fix failed."""
        failed = any(result.outcome is Outcome.FAILED for result in self.results)
        return EXIT_FIX_FAILED if failed else EXIT_OK
