"""The list of all runs, as ``dartenv fix --history`` shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Optional, Tuple

import msgspec

from dartenv.fixes.changes import subject
from dartenv.fixes.durable import Durable
from dartenv.fixes.runs import load_runs


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history.

    ``state`` is ``applied``, ``undone``, ``rolled back`` or ``interrupted``; ``fixes`` says of
    each fix whether it is ``done``, ``failed`` (rolled back) or, in an open run, ``open``.
    """

    run: str
    started: float  # seconds since the epoch
    command: str
    root: Optional[str]
    state: str
    fixes: Dict[str, str] = {}
    changed: Tuple[str, ...] = ()
    left: Tuple[str, ...] = ()
    can_undo: bool = False


def history(state: Path) -> Tuple[RunInfo, ...]:
    """Every run, oldest first. Reads only; an interrupted run is shown as such, not recovered."""
    found = []
    for run in load_runs(state, Durable()):
        if run.started is None:
            continue
        words = {"done": "done", "open": "open", "failed": "failed", "back": "failed"}
        fixes: Dict[str, str] = {}
        for group in run.groups.values():
            for fix in group.fixes:
                fixes[fix] = words[group.state]
        found.append(
            RunInfo(
                run=run.id,
                started=run.started.at,
                command=run.started.command,
                root=run.started.root,
                state=run.state,
                fixes=fixes,
                changed=tuple(subject(entry.change) for entry in run.kept),
                left=tuple(entry.why for entry in run.entries.values() if entry.status == "left"),
                can_undo=bool(run.kept) and run.undo != "done" and not run.open,
            )
        )
    return tuple(found)
