"""Where the expressions inside an f-string are.

Before Python 3.12 ``ast`` gives them positions that are wrong or relative to the expression.
libcst keeps them, so it reads that one string and the expressions are re-parsed in place.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Dict, Iterator, List, Optional, Tuple

if TYPE_CHECKING:
    import libcst as cst

Spans = Dict[int, Tuple[int, int]]


def anchor(outer: ast.JoinedStr, start: int, end: int, text: str) -> Spans:
    """Spans in ``text`` of the nodes inside ``outer``, by ``id``; what cannot be told is left out.

    ``start`` and ``end`` are the span of ``outer`` in ``text``.
    """
    spans: Spans = {}
    _anchor(outer, start, text[start:end], spans)
    return spans


def _anchor(outer: ast.JoinedStr, start: int, literal: str, spans: Spans) -> None:
    fields = list(_ast_fields(outer))
    places = _places(literal)
    if len(fields) != len(places):
        return
    for field, (offset, length) in zip(fields, places):
        expression = literal[offset : offset + length]
        try:
            # Inside parentheses an expression may span lines, as it may inside triple quotes.
            parsed = ast.parse(f"({expression})", mode="eval").body
        except (SyntaxError, ValueError):
            continue
        if ast.dump(parsed) == ast.dump(field.value):
            _copy(field.value, parsed, f"({expression})", start + offset - 1, spans)


def _copy(target: ast.AST, parsed: ast.AST, shown: str, base: int, spans: Spans) -> None:
    """Give ``target`` and what it holds the positions of its equal ``parsed``."""
    starts = _line_starts(shown)
    span = _span(parsed, shown, starts)
    if span is not None:
        spans[id(target)] = (base + span[0], base + span[1])
    if isinstance(target, ast.JoinedStr):
        if span is not None:
            _anchor(target, base + span[0], shown[span[0] : span[1]], spans)
        return
    for child, twin in zip(ast.iter_child_nodes(target), ast.iter_child_nodes(parsed)):
        _copy(child, twin, shown, base, spans)


def _span(node: ast.AST, text: str, starts: List[int]) -> Optional[Tuple[int, int]]:
    places = [getattr(node, n, None) for n in ("lineno", "end_lineno", "col_offset")]
    places.append(getattr(node, "end_col_offset", None))
    if any(place is None for place in places):
        return None
    line, end_line, column, end_column = (int(place or 0) for place in places)
    return _index(text, starts, line, column), _index(text, starts, end_line, end_column)


def _index(text: str, starts: List[int], line: int, column: int) -> int:
    start = starts[line - 1]
    rest = text[start:].encode("utf-8")
    return start + len(rest[:column].decode("utf-8", errors="ignore"))


def _line_starts(text: str) -> List[int]:
    starts = [0]
    position = 0
    for line in text.splitlines(keepends=True):
        position += len(line)
        if line.endswith(("\n", "\r")):
            starts.append(position)
    return starts


def _ast_fields(outer: ast.JoinedStr) -> Iterator[ast.FormattedValue]:
    for value in outer.values:
        if isinstance(value, ast.FormattedValue):
            yield value
            if isinstance(value.format_spec, ast.JoinedStr):
                yield from _ast_fields(value.format_spec)


def _places(literal: str) -> List[Tuple[int, int]]:
    """Offset and length of each replacement field's expression, in source order."""
    # Imported here: it takes longer than all the rest of dartenv, and few files need it.
    import libcst as cst
    from libcst.metadata import MetadataWrapper, PositionProvider

    shown = f"({literal})"
    try:
        wrapper = MetadataWrapper(cst.parse_module(shown), unsafe_skip_copy=True)
    except (cst.ParserSyntaxError, RecursionError):
        return []
    positions = wrapper.resolve(PositionProvider)
    starts = _line_starts(shown)
    found: List[Tuple[int, int]] = []
    for expression in _cst_fields(wrapper.module):
        # The position leaves out parentheses around the expression; the code has them.
        code = wrapper.module.code_for_node(expression)
        place = positions[expression]
        offset = starts[place.start.line - 1] + place.start.column
        skipped = code.find(wrapper.module.code_for_node(expression.with_changes(lpar=(), rpar=())))
        found.append((offset - skipped - 1, len(code)))
    return found


def _cst_fields(node: cst.CSTNode) -> Iterator[cst.BaseExpression]:
    import libcst as cst

    if isinstance(node, cst.FormattedStringExpression):
        yield node.expression
        for part in node.format_spec or ():
            yield from _cst_fields(part)
        return
    for child in node.children:
        yield from _cst_fields(child)
