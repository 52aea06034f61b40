"""Prompts as mld.rollout_mld reads them: actions, each for a number of motion primitives.

``walk forward*6, turn left*2`` is six primitives and then two. Actions are separated by commas, by
semicolons for models of HumanML3D (SMPL-H); "a and b" is put in order, as BABEL's texts were.
Source: zkf1997/DART mld/rollout_mld.py, utils/misc_util.py.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Tuple

from dartenv.errors import UsageFault

MOST_PRIMITIVES = 10_000
MOST_CHARACTERS = 100_000
EXAMPLE = ("walk forward*6", "turn left*2", "wave right hand*4")


class Part(NamedTuple):
    """So many ``primitives`` of ``text``; an empty text is motion without one."""

    text: str
    primitives: int


def parse(prompt: str, body: str = "smplx") -> Tuple[Part, ...]:
    """The parts of ``prompt`` for a ``body`` smplx (BABEL's texts) or smplh (HumanML3D's).

    Raises UsageFault naming the part that has no count, a count that is no number above zero, or
    more primitives than anyone means.
    """
    if len(prompt) > MOST_CHARACTERS:
        raise UsageFault(f"a prompt of {len(prompt)} characters", f"{MOST_CHARACTERS} at most")
    if not prompt.strip():
        raise UsageFault(
            "an empty prompt",
            f"actions with a number of primitives, as {_example(body)}",
            '"*6" for six primitives without text',
        )
    parts = [_part(segment, body) for segment in prompt.split(_apart(body))]
    total = sum(part.primitives for part in parts)
    if total > MOST_PRIMITIVES:
        raise UsageFault(f"{total} motion primitives", f"{MOST_PRIMITIVES} at most in one run")
    return tuple(parts)


def _apart(body: str) -> str:
    return ";" if body == "smplh" else ","


def _example(body: str) -> str:
    return '"' + f"{_apart(body)} ".join(EXAMPLE) + '"'


def _part(segment: str, body: str) -> Part:
    shown = segment.strip() if len(segment) < 60 else segment.strip()[:57] + "..."
    pieces = segment.split("*")
    if len(pieces) != 2:
        found = "no *count" if len(pieces) == 1 else f"{len(pieces) - 1} asterisks"
        apart = "semicolons" if body == "smplh" else "commas"
        raise UsageFault(
            f"the action {shown!r} has {found}",
            f"ACTION*PRIMITIVES, separated by {apart}, as {_example(body)}",
        )
    text, count = pieces[0].strip(), pieces[1].strip()
    if not re.fullmatch(r"[0-9]{1,9}", count) or int(count) < 1:
        raise UsageFault(
            f"the action {shown!r} is for {count!r} primitives", "a whole number above zero"
        )
    return Part(composed(text, body), int(count))


def composed(text: str, body: str = "smplx") -> str:
    """``text`` as the networks were trained on it: for BABEL, "b and a" is "a and b"."""
    text = text.strip()
    return text if body == "smplh" else " and ".join(sorted(text.split(" and ")))


def spread(parts: Tuple[Part, ...]) -> List[str]:
    """The text of every primitive."""
    return [part.text for part in parts for _ in range(part.primitives)]
