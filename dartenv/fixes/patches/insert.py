"""Lines put at the top of a module, and looking at the tokens of a piece of one."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass
from typing import List, Optional, Sequence

from dartenv.fixes.patches.result import CannotPatchError, Splice
from dartenv.source.helpers import Helper
from dartenv.source.module import Module
from dartenv.source.text import NEWLINE, SourceText

_INSIGNIFICANT = frozenset(
    (
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    )
)


@dataclass(frozen=True)
class Token:
    """A significant token and where it stands in the text it was read from."""

    text: str
    start: int
    end: int


def significant_tokens(text: str) -> List[Token]:
    """The tokens of a statement or expression, without comments and newlines.

    Raises CannotPatchError where Python's tokenizer does not take the text on its own.
    """
    starts = SourceText(text.encode("utf-8"))
    # The tokenizer wants line feeds; a token's line and column are the same without them.
    stream = io.StringIO(NEWLINE.sub("\n", text))
    try:
        found = list(tokenize.generate_tokens(stream.readline))
    except (tokenize.TokenError, SyntaxError) as error:
        raise CannotPatchError(f"its tokens cannot be told: {error}") from None
    return [
        Token(
            t.string,
            starts.line_start(t.start[0]) + t.start[1],
            starts.line_start(t.end[0]) + t.end[1],
        )
        for t in found
        if t.type not in _INSIGNIFICANT
    ]


def insert_helpers(module: Module, helpers: Sequence[Helper]) -> List[Splice]:
    """Write ``helpers`` below the imports at the top of ``module``."""
    if not helpers:
        return []
    lines: List[str] = []
    for helper in helpers:
        lines.extend(("", "", *helper.text.splitlines()))
    return [_below_imports(module, lines, helpers[0].name, blank_after=True)]


def insert_import(module: Module, statement: str) -> List[Splice]:
    """Write an import below those at the top of ``module``."""
    return [_below_imports(module, [statement], statement, blank_after=False)]


def _below_imports(module: Module, lines: Sequence[str], symbol: str, blank_after: bool) -> Splice:
    source = module.source
    last = _last_import(module.tree.body)
    if last is not None:
        line = int(last.end_lineno or last.lineno)
    else:
        line = _first_line(module.tree.body) - 1 if module.tree.body else _line_count(source)
        lines = list(lines)
        while lines and not lines[0]:
            lines = lines[1:]
    newline = source.newline(max(line, 1))
    index = source.line_start(line + 1)
    text = newline.join(lines) + newline
    if index and source.text[index - 1] not in "\r\n":
        text = newline + text  # the last line of the file, without an end
        return Splice(index, index, text[: -len(newline)], symbol)
    following = source.line(line + 1).strip() if index < len(source.text) else ""
    if blank_after and following:
        text += newline * 2
    return Splice(index, index, text, symbol)


def _last_import(body: Sequence[ast.stmt]) -> Optional[ast.stmt]:
    """The last of the leading imports, or the docstring, below which a line can be put."""
    found: Optional[ast.stmt] = None
    for position, node in enumerate(body):
        docstring = (
            position == 0
            and isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        )
        if not docstring and not isinstance(node, (ast.Import, ast.ImportFrom)):
            break
        following = body[position + 1] if position + 1 < len(body) else None
        if following is None or following.lineno > int(node.end_lineno or node.lineno):
            found = node
    return found


def _first_line(body: Sequence[ast.stmt]) -> int:
    decorators = getattr(body[0], "decorator_list", [])
    return min([body[0].lineno, *(int(d.lineno) for d in decorators)])


def _line_count(source: SourceText) -> int:
    return source.line_of(len(source.text)) - (source.text[-1:] in ("\n", "\r"))
