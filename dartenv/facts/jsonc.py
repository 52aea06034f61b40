"""Reading VS Code's JSON: comments and trailing commas allowed."""

from __future__ import annotations

import json
from typing import Any, List


def loads(text: str) -> Any:
    """The value of a JSON text with comments. Raises ValueError as :mod:`json` does."""
    return json.loads(without_comments(text.lstrip("\ufeff")))


def without_comments(text: str) -> str:
    """The same text with comments and trailing commas turned into spaces: positions stay."""
    out: List[str] = list(text)
    position = 0
    while position < len(text):
        character = text[position]
        if character == '"':
            position = string_end(text, position)
        elif text.startswith("//", position):
            end = text.find("\n", position)
            end = len(text) if end < 0 else end
            _blank(out, position, end)
            position = end
        elif text.startswith("/*", position):
            end = text.find("*/", position + 2)
            end = len(text) if end < 0 else end + 2
            _blank(out, position, end)
            position = end
        else:
            position += 1
    _blank_trailing_commas(out)
    return "".join(out)


def string_end(text: str, start: int) -> int:
    """The position after the string literal that begins at ``start``."""
    position = start + 1
    while position < len(text):
        if text[position] == "\\":
            position += 2
            continue
        if text[position] == '"':
            return position + 1
        position += 1
    return len(text)


def _blank(out: List[str], start: int, end: int) -> None:
    for index in range(start, end):
        if out[index] not in "\r\n":
            out[index] = " "


def _blank_trailing_commas(out: List[str]) -> None:
    text = "".join(out)
    position = 0
    comma = -1
    while position < len(text):
        character = text[position]
        if character == '"':
            position = string_end(text, position)
            comma = -1
            continue
        if character == ",":
            comma = position
        elif character in "]}" and comma >= 0:
            out[comma] = " "
            comma = -1
        elif not character.isspace():
            comma = -1
        position += 1
