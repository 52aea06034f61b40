"""What happens while a plan is applied or undone, told as it happens; rendering is elsewhere."""

from __future__ import annotations

import enum
from typing import Callable, Optional, Tuple

import msgspec

from dartenv.fixes.steps import AnyStep


class EventKind(str, enum.Enum):
    """The moments that are told."""

    RECOVERED = "recovered"  # an interrupted run was brought to an end first
    STEP = "step"  # a step begins
    STEP_DONE = "step-done"
    SKIPPED = "skipped"  # fixes that will not be done
    FAILED = "failed"  # fixes that were rolled back
    VERIFYING = "verifying"
    REPAIRED = "repaired"
    UNDONE = "undone"  # one change taken back


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One moment."""

    kind: EventKind
    fixes: Tuple[str, ...] = ()
    text: str = ""
    step: Optional[AnyStep] = None


OnEvent = Callable[[Event], None]


def tell(on_event: Optional[OnEvent], event: Event) -> None:
    """Tell ``event``; a listener that fails (a closed pipe) must not stop a repair half way."""
    if on_event is None:
        return
    try:
        on_event(event)
    except Exception:
        return
