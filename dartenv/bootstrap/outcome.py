"""What a bootstrap did, stage by stage, as one value."""

from __future__ import annotations

from typing import Optional, Tuple

import msgspec

from dartenv.errors import EXIT_FINDINGS, EXIT_FIX_FAILED, EXIT_OK

DONE = "done"
ALREADY = "already"
FAILED = "failed"
LEFT = "left"  # for the user to do
NOT_RUN = "not run"


class StageOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One stage. ``run`` names the journal's run that ``dartenv fix --undo`` takes back."""

    id: str
    title: str
    state: str
    why: str = ""
    seconds: float = 0.0
    run: Optional[str] = None


class ByHand(msgspec.Struct, frozen=True, kw_only=True):
    """Something that only the user can do, and how."""

    what: str
    commands: Tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The whole way. ``stand_ins`` are what smoke tests replaced."""

    schema: int = 1
    folder: str
    dart_root: str
    python: str
    profile: str
    stages: Tuple[StageOutcome, ...] = ()
    by_hand: Tuple[ByHand, ...] = ()
    stand_ins: Tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """4 where a stage failed, 1 where only a smoke test did."""
        failed = [one.id for one in self.stages if one.state == FAILED]
        if any(not name.startswith("smoke.") for name in failed):
            return EXIT_FIX_FAILED
        return EXIT_FINDINGS if failed else EXIT_OK
