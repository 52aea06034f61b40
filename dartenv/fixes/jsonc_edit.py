"""Editing JSON with comments in place: everything that is not replaced stays as it was.

Positions are characters of the text. A text is scanned anew after each edit.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, List, Optional, Tuple

from dartenv.facts.jsonc import string_end

_OPTION = re.compile(r'("--[\w-]+",)\n[ \t]*(?="(?!--))')
_SCALAR = re.compile(r"[^\s,\]}/]+")


@dataclass(frozen=True)
class Node:
    """One value: ``kind`` is "object", "array" or "scalar"; text[start:end] is all of it.

    ``keys`` are those of an object, one for each of ``items``.
    """

    kind: str
    start: int
    end: int
    items: Tuple[Node, ...] = ()
    keys: Tuple[str, ...] = ()

    def member(self, key: str) -> Optional[Node]:
        """The member that counts: of several with one name it is the last."""
        found = [item for name, item in zip(self.keys, self.items) if name == key]
        return found[-1] if found else None


@dataclass(frozen=True)
class Style:
    """How new text is laid out."""

    newline: str
    indent: str  # one level


def scan(text: str) -> Node:
    """The value of ``text``. Raises ValueError where it is not JSON with comments."""
    start = _skip(text, 1 if text.startswith("\ufeff") else 0)
    node, end = _value(text, start)
    if _skip(text, end) != len(text):
        raise ValueError(f"more after the value, at character {end}")
    return node


def replaced(text: str, node: Node, value: str) -> str:
    """``text`` with ``value`` in the place of ``node``."""
    return text[: node.start] + value + text[node.end :]


def appended(
    text: str, container: Node, entry: Any, style: Style, key: Optional[str] = None
) -> str:
    """``text`` with ``entry`` (plain data) as the last item, or member ``key``, of ``container``."""
    outer = _indent_of_line(text, container.start)
    inner = outer + style.indent
    if container.items and _begins_line(text, _first(text, container)):
        inner = _indent_of_line(text, container.items[0].start)
    new = dumped(entry, inner, style)
    if key is not None:
        new = f"{json.dumps(key, ensure_ascii=False)}: {new}"
    close = container.end - 1
    if not container.items:
        return _into_empty(text, container, style.newline + inner + new, outer, style)
    last = container.items[-1].end
    comma = _skip(text, last)
    trailing = text[comma] == ","
    after = comma + 1 if trailing else last
    head = text[:after] + ("" if trailing else ",")
    # A comment behind the last item stays behind it.
    end = _line_comment_end(text, after, close)
    return (
        head
        + text[after:end]
        + style.newline
        + inner
        + new
        + ("," if trailing else "")
        + text[end:]
    )


def dumped(value: Any, indent: str, style: Style) -> str:
    """Plain data as JSON whose lines after the first begin with ``indent``.

    An option of a command line stands on one line with its value.
    """
    text = _OPTION.sub(r"\1 ", json.dumps(value, indent=style.indent, ensure_ascii=False))
    return text.replace("\n", style.newline + indent)


def style_of(text: str, newline: str) -> Style:
    """The layout that ``text`` has; four spaces, as VS Code writes, where it shows none."""
    found = re.search(r'^([ \t]+)["{]', text, re.MULTILINE)
    return Style(newline, found.group(1) if found else "    ")


def _value(text: str, start: int) -> Tuple[Node, int]:
    if start >= len(text):
        raise ValueError("the text ends where a value should begin")
    character = text[start]
    if character in "[{":
        return _container(text, start)
    if character == '"':
        end = string_end(text, start)
    else:
        match = _SCALAR.match(text, start)
        if match is None:
            raise ValueError(f"no value at character {start}")
        end = match.end()
    json.loads(text[start:end])
    return Node("scalar", start, end), end


def _container(text: str, start: int) -> Tuple[Node, int]:
    is_object = text[start] == "{"
    close = "}" if is_object else "]"
    items: List[Node] = []
    keys: List[str] = []
    position = _skip(text, start + 1)
    while position < len(text) and text[position] != close:
        if items:
            if text[position] != ",":
                raise ValueError(f"no comma at character {position}")
            position = _skip(text, position + 1)
            if text[position : position + 1] == close:
                break
        if is_object:
            key, position = _value(text, position)
            name = json.loads(text[key.start : key.end])
            if not isinstance(name, str):
                raise ValueError(f"no name at character {key.start}")
            keys.append(name)
            position = _skip(text, position)
            if text[position : position + 1] != ":":
                raise ValueError(f"no colon at character {position}")
            position = _skip(text, position + 1)
        item, position = _value(text, position)
        items.append(item)
        position = _skip(text, position)
    if position >= len(text):
        raise ValueError(f"no {close} for character {start}")
    kind = "object" if is_object else "array"
    node = Node(kind, start, position + 1, tuple(items), tuple(keys))
    return node, position + 1


def _skip(text: str, position: int) -> int:
    """The position of the next character that is neither white space nor in a comment."""
    while position < len(text):
        if text[position].isspace():
            position += 1
        elif text.startswith("//", position):
            position = _line_end(text, position)
        elif text.startswith("/*", position):
            end = text.find("*/", position + 2)
            position = len(text) if end < 0 else end + 2
        else:
            break
    return position


def _line_end(text: str, position: int) -> int:
    match = re.compile(r"[^\r\n]*").match(text, position)
    return match.end() if match is not None else len(text)


def _line_comment_end(text: str, position: int, close: int) -> int:
    """The end of this line where only comments that end on it follow; else ``position``."""
    end = _line_end(text, position)
    if end > close:
        return position
    at = position
    while at < end:
        if text.startswith("/*", at):
            at = text.find("*/", at + 2) + 2
        elif text.startswith("//", at):
            at = end
        elif text[at].isspace():
            at += 1
        else:
            return position
    return end if at == end else position


def _into_empty(text: str, container: Node, new: str, outer: str, style: Style) -> str:
    close = container.end - 1
    inside = text[container.start + 1 : close]
    kept = inside.rstrip()
    ends_line = "\n" in inside[len(kept) :]
    tail = inside[len(kept) :] if ends_line else style.newline + outer
    return text[: container.start + 1] + kept + new + tail + text[close:]


def _first(text: str, container: Node) -> int:
    """Where the first item, or its key, begins."""
    return _skip(text, container.start + 1)


def _begins_line(text: str, position: int) -> bool:
    start = max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1
    return start > 0 and not text[start:position].strip()


def _indent_of_line(text: str, position: int) -> str:
    start = max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1
    match = re.compile(r"[ \t]*").match(text, start)
    return match.group() if match is not None else ""
