"""A bootstrap for a person: what it is going to do, what each stage came to, what is left."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from dartenv.bootstrap.outcome import ALREADY, DONE, FAILED, LEFT, NOT_RUN, Outcome, StageOutcome
from dartenv.report.console import folded
from dartenv.report.terminal import Line

TITLE = 15
STATE = 9
_STYLE = {
    DONE: "green",
    ALREADY: "dim",
    FAILED: "bold red",
    LEFT: "yellow",
    NOT_RUN: "dim",
}


def render_outline(rows: Sequence[Tuple[str, str]], folder: str, profile: str) -> List[Line]:
    """The way ahead, before anything is done."""
    lines: List[Line] = [
        [("dartenv bootstrap", "bold"), (f"  profile {profile}, in {folder}", "")],
        [],
    ]
    for number, (title, what) in enumerate(rows, 1):
        head = f"{number:>3}  {title:<{TITLE}}"
        for n, text in enumerate(folded(what, len(head))):
            lines.append([(head if n == 0 else " " * len(head), "bold"), (text, "")])
    return lines


def render_stage(stage: StageOutcome) -> List[Line]:
    """One stage that ended."""
    took = f"  {stage.seconds:.1f} s" if stage.seconds >= 0.05 else ""
    head: Line = [
        (f"{stage.title:<{TITLE}}", "bold"),
        (f"{stage.state:<{STATE}}", _STYLE.get(stage.state, "")),
    ]
    indent = " " * (TITLE + STATE)
    texts = folded(stage.why + took, len(indent)) or [""]
    lines: List[Line] = [[*head, (texts[0], "")]]
    lines.extend([(indent + text, "")] for text in texts[1:])
    return lines


def render_end(outcome: Outcome, again: str) -> List[Line]:
    """What is left for the user, what was and was not proved, and what to type next."""
    lines: List[Line] = [[]]
    if outcome.by_hand:
        lines.append([("Yours to do", "bold")])
        for item in outcome.by_hand:
            for text in folded(item.what, 2):
                lines.append([("  " + text, "")])
            lines.extend([("    " + command, "green")] for command in item.commands)
        lines.append([])
    failed = [one for one in outcome.stages if one.state == FAILED]
    proved = [one for one in outcome.stages if one.id.startswith("smoke.")]
    if failed:
        text = f"Stopped: {failed[0].title}. What was done stays; the next run goes on from here."
        lines.append([(text, "bold red")])
        lines.append([("  " + again, "green")])
    elif proved and all(one.state in (DONE, ALREADY) for one in proved):
        what = "Motion comes out"
        if outcome.stand_ins or any("stand-in" in one.why for one in proved):
            what += ", with stand-ins for what is missing: plumbing, not DART's own weights"
        lines.append([(what + ".", "bold green")])
    lines.append([(f"{outcome.seconds:.0f} s in all", "dim")])
    if not failed:
        lines.append([("next    ", "dim"), (f'cd "{outcome.folder}"', "green")])
        lines.append([("        ", "dim"), ("dartenv doctor", "green")])
    return lines
