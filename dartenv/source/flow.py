"""What is known of a value that carries a prompt, and how such knowledge is put together."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Dict, Mapping, Optional, Tuple

from dartenv.source.site import NEEDED, REPAIRED, UNSURE

TEXT, SEQUENCE, PATH = "text", "sequence", "path"
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
# What the last word of a prompt's name may be. A prompt_file is a path on purpose, a
# prompt_length is a number; such names are not followed.
_SINGULAR = frozenset(("prompt", "text", "str", "string", "name", "label", "words"))
_PLURAL = frozenset(("prompts", "texts", "strings", "names", "labels"))

Nodes = Mapping[int, Tuple[ast.AST, str]]


@dataclass(frozen=True)
class Flow:
    """A value with a prompt in it.

    ``pure``: it is nothing but (a part of) the prompt, so the expression at hand is what would
    have to be made a file name; ``bare``: not even cut. ``raw`` are such expressions inside it,
    each with a reason why it cannot be repaired or an empty text; ``clean`` are expressions that
    already make a file name of a prompt, each with how.
    """

    kind: str = TEXT
    pure: bool = False
    bare: bool = False
    raw: Nodes = field(default_factory=dict)
    clean: Nodes = field(default_factory=dict)

    def mixed(self, node: ast.AST) -> Flow:
        """The value as a part of something else, where ``node`` is the expression at hand."""
        raw = dict(self.raw)
        if self.pure:
            raw[id(node)] = (node, "")
        return Flow(self.kind, False, False, raw, self.clean)

    def as_kind(self, kind: str) -> Flow:
        """The same prompt in a value of another kind."""
        return Flow(kind, self.pure, False, self.raw, self.clean)

    def doubted(self, reason: str) -> Flow:
        """The same, with a reason why none of it can be repaired."""
        raw = {key: (node, why or reason) for key, (node, why) in self.raw.items()}
        return Flow(self.kind, False, False, raw, self.clean)

    def cleaned(self, node: ast.AST, how: str) -> Flow:
        """The value once ``node`` has made a file name of it."""
        return Flow(self.kind, False, False, {}, {id(node): (node, how)})


def joined(first: Optional[Flow], second: Optional[Flow], kind: str = "") -> Optional[Flow]:
    """What is known where the value is either, or holds both."""
    if first is None or second is None:
        return first or second
    return Flow(
        kind or (first.kind if first.kind == second.kind else TEXT),
        first.pure or second.pure,
        first.bare and second.bare,
        {**first.raw, **second.raw},
        {**first.clean, **second.clean},
    )


Env = Dict[str, Flow]


def merged(first: Env, second: Env, prefer_clean: bool = False) -> Env:
    """The names after either of two branches.

    ``prefer_clean``: the branches are told apart by the operating system or by the characters
    themselves, so that the one that cleans is the one that counts.
    """
    result: Env = {}
    for name in {**first, **second}:
        pair = [first.get(name), second.get(name)]
        if prefer_clean:
            clean = [f for f in pair if f is not None and f.clean and not f.raw and not f.pure]
            pair = [clean[0], None] if clean else pair
        flow = joined(pair[0], pair[1])
        if flow is not None:
            result[name] = flow
    return result


def prompt_flow(name: str) -> Optional[Flow]:
    """What a name says of itself: a prompt, several prompts, or nothing."""
    if "prompt" not in name.lower():
        return None
    words = [word.lower() for word in _WORD.findall(name)]
    while words and words[-1].isdigit():
        words.pop()
    if not words or not any(word.endswith(("prompt", "prompts")) for word in words):
        return None
    last = words[-1]
    if last in _PLURAL or last.endswith("prompts"):
        return Flow(SEQUENCE, pure=True)
    if last in _SINGULAR or last.endswith("prompt"):
        return Flow(TEXT, pure=True, bare=True)
    return None


class Sinks:
    """Where prompts become paths."""

    def __init__(self) -> None:
        self.names: Dict[int, Tuple[ast.AST, str, str]] = {}
        self.tests: Dict[int, Tuple[ast.Call, bool]] = {}

    def add(self, flow: Optional[Flow], node: ast.AST, where: str) -> None:
        """``node``, whose value is ``flow``, becomes a path or a part of one at ``where``."""
        if flow is None or flow.kind == SEQUENCE:
            return
        if flow.kind == PATH:
            flow = flow.doubted("the same path is asked whether it is a file of prompts")
        for key, (part, how) in flow.clean.items():
            self.names.setdefault(key, (part, REPAIRED, how))
        for key, (part, why) in flow.mixed(node).raw.items():
            state, note = (UNSURE, why) if why else (NEEDED, where)
            self.names[key] = (part, state, note)

    def test(self, node: ast.Call, helped: bool) -> None:
        """``node`` asks of a path that is the prompt itself whether there is such a file."""
        self.tests[id(node)] = (node, helped)
