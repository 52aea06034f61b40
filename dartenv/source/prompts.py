"""Paths built from a text prompt, by data flow.

A prompt is a name whose words say so (``text_prompt``, ``args.prompt``). It is followed through
slices, string methods, ``+``, ``%``, f-strings, ``join`` and assignments, in the order in which a
function body runs, to where it becomes part of a path. The place reported is the last expression
that is still nothing but the prompt: the narrowest that can be made a file name without changing
what else the program does with the prompt.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

from dartenv.source.flow import Sinks, prompt_flow
from dartenv.source.frame import Frame
from dartenv.source.helpers import FILE_NAME, FILE_TEST, helper_state
from dartenv.source.module import Module
from dartenv.source.names import Names
from dartenv.source.prefilter import holds_any
from dartenv.source.site import CONFLICT, NEEDED, REPAIRED, Site
from dartenv.source.tree import SourceTree

FAULT = "source.prompt-filenames"
_SPELLINGS = (b"prompt", b"Prompt", b"PROMPT")
_mentioned = holds_any(*_SPELLINGS)  # quicker than the search, which most files need not go through
_MENTION = re.compile(b"|".join(_SPELLINGS))
_WORD = re.compile(rb"[\w\x80-\xff]*")
_QUOTE = re.compile(rb"[\"']")
_NEAR = 120  # bytes of a line that are looked at on either side: some lines are megabytes of data
NAME, TEST = "name", "test"


@dataclass(frozen=True)
class PromptSite(Site):
    """``kind`` is ``name`` (``node`` becomes part of a path) or ``test``.

    For ``test``, ``node`` is the call that asks whether the prompt is a file.
    """

    kind: str = NAME


def accepts(data: bytes) -> bool:
    """Whether a name in ``data``, or a text in quotes, says that it is a prompt."""
    return _mentioned(data) and any(
        _speaks(data, match.start(), match.end()) for match in _MENTION.finditer(data)
    )


def _speaks(data: bytes, start: int, end: int) -> bool:
    line = max(data.rfind(b"\n", 0, start), data.rfind(b"\r", 0, start)) + 1
    before = data[max(line, start - _NEAR) : start]
    # A comment, or a line of a long text: neither is a name. After a quote, # may be part of a text.
    whole = start - line <= _NEAR
    if whole and b"#" in before and not _QUOTE.search(before.partition(b"#")[0]):
        return False
    after = re.split(rb"[\r\n]", data[end : end + _NEAR], maxsplit=1)[0]
    head, tail = _WORD.match(before[::-1]), _WORD.match(after)
    word = (head.group()[::-1] if head else b"") + data[start:end] + (tail.group() if tail else b"")
    if prompt_flow(word.decode("utf-8", "replace")) is not None:
        return True
    left, right = _QUOTE.split(before)[1:], _QUOTE.split(after)[:-1]
    quoted = left[-1] + data[start:end] + right[0] if left and right else b""
    return prompt_flow(quoted.decode("utf-8", "replace")) is not None


def find(module: Module, tree: Optional[SourceTree] = None) -> List[PromptSite]:
    """Every such place in ``module``, in order."""
    if not accepts(module.source.data) or not _named(module):
        return []
    sinks = Sinks()
    frame = Frame(module, Names(module, tree), sinks)
    frame.run_module()
    finder = _Finder(module)
    sites = [finder.name_site(node, state, why) for node, state, why in sinks.names.values()]
    sites.extend(finder.test_site(node, helped) for node, helped in sinks.tests.values())
    return sorted(sites, key=lambda site: site.line)


def _named(module: Module) -> bool:
    """Whether the code, rather than a comment or a text, speaks of a prompt."""
    names = [n.id for n in module.nodes(ast.Name)] + [n.attr for n in module.nodes(ast.Attribute)]
    return any(prompt_flow(name) is not None for name in names) or any(
        isinstance(node.value, str) and prompt_flow(node.value) is not None
        for node in module.nodes(ast.Constant)
    )


class _Finder:
    def __init__(self, module: Module) -> None:
        self.module = module
        self.helpers: Dict[str, Optional[bool]] = {
            helper.name: helper_state(module, helper) for helper in (FILE_NAME, FILE_TEST)
        }

    def name_site(self, node: ast.AST, state: str, why: str) -> PromptSite:
        state, why = self._checked(state, why, FILE_NAME.name)
        return PromptSite(self.module, node, _shown(node), state, why, NAME)

    def test_site(self, node: ast.Call, helped: bool) -> PromptSite:
        state, why = (REPAIRED, "by dartenv") if helped else (NEEDED, "asks if it is a file")
        state, why = self._checked(state, why, FILE_TEST.name)
        called = node.func.args[0] if helped and isinstance(node.func, ast.Call) else node.func
        method = called.attr if isinstance(called, ast.Attribute) else ""
        return PromptSite(self.module, node, f"Path.{method}", state, why, TEST)

    def _checked(self, state: str, why: str, helper: str) -> Tuple[str, str]:
        written = self.helpers[helper]
        if state == REPAIRED and why == "by dartenv" and written is not True:
            return CONFLICT, f"{helper} was " + ("removed" if written is None else "changed")
        if state == NEEDED and written is False:
            return CONFLICT, f"{helper} was changed by hand"
        return state, why


def _shown(node: ast.AST) -> str:
    """The prompt's name in ``node``."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and "prompt" in part.id.lower():
            return part.id
        if isinstance(part, ast.Attribute) and "prompt" in part.attr.lower():
            return part.attr
    return "prompt"


__all__ = ["FAULT", "NAME", "TEST", "PromptSite", "accepts", "find"]
