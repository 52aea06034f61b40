"""YAML as plain data with its tags kept, on a budget.

Built on PyYAML's safe loader, which resolves no Python name; this one constructs nothing at all:
a tag other than YAML's own scalars and collections becomes :class:`Tagged`. Depth, nodes and what
aliases would expand to are limited, so that a small file cannot become a large value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

import yaml

MAX_DEPTH = 40
MAX_NODES = 20_000
_MAX_NUMBER = 64  # characters; a longer "number" stays text

_YAML = "tag:yaml.org,2002:"


class YamlFault(Exception):
    """One line: what is wrong with the text, and where."""


class NoDocument(YamlFault):
    """Nothing but comments and white space."""


@dataclass(frozen=True)
class Tagged:
    """A value under a tag that is not YAML's own; ``!!x`` stands for ``tag:yaml.org,2002:x``."""

    tag: str
    value: Any


class _Loader(yaml.SafeLoader):
    """The safe loader, counting while it composes."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0
        self.nodes = 0

    def compose_node(self, parent: Optional[yaml.Node], index: Any) -> Optional[yaml.Node]:
        self.depth += 1
        self.nodes += 1
        if self.depth > MAX_DEPTH:
            raise YamlFault(f"nested deeper than {MAX_DEPTH} levels")
        if self.nodes > MAX_NODES:
            raise YamlFault(f"more than {MAX_NODES} values")
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def load_yaml(text: str) -> Any:
    """The one document in ``text`` as plain data and :class:`Tagged`. Raises YamlFault.

    Timestamps, binaries and long numbers stay text; a later equal key replaces the earlier one,
    as in PyYAML.
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise YamlFault(_marked(error)) from None
    except yaml.YAMLError as error:
        raise YamlFault(" ".join(str(error).split())) from None
    except (RecursionError, ValueError, OverflowError) as error:
        raise YamlFault(f"cannot be parsed: {error}") from None
    if node is None:
        raise NoDocument("holds no document")
    return _Builder().value(node, ())


class _Builder:
    def __init__(self) -> None:
        self.budget = MAX_NODES

    def value(self, node: yaml.Node, above: Tuple[int, ...]) -> Any:
        # Counted per visit, not per node: this is what an alias bomb expands to.
        self.budget -= 1
        if self.budget < 0:
            raise YamlFault(f"its aliases expand to more than {MAX_NODES} values")
        if id(node) in above:
            raise YamlFault("an alias refers to a value that contains it")
        if len(above) > MAX_DEPTH:
            raise YamlFault(f"its aliases nest deeper than {MAX_DEPTH} levels")
        inner = (*above, id(node))
        tag = _short(node.tag)
        if isinstance(node, yaml.ScalarNode):
            if tag in _SCALARS:
                return _scalar(tag, node.value)
            return Tagged(tag, node.value)
        if isinstance(node, yaml.SequenceNode):
            items: List[Any] = [self.value(child, inner) for child in node.value]
            return items if tag == "!!seq" else Tagged(tag, items)
        pairs: Dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.value(key_node, inner)
            if isinstance(key, (dict, list, Tagged)):
                raise YamlFault(
                    f"line {key_node.start_mark.line + 1}: a mapping key is not a scalar"
                )
            pairs[key] = self.value(value_node, inner)
        return pairs if tag == "!!map" else Tagged(tag, pairs)


_SCALARS = frozenset(["!!str", "!!null", "!!bool", "!!int", "!!float", "!!timestamp", "!!value"])
_WORDS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def _scalar(tag: str, text: str) -> Any:
    if tag == "!!null":
        return None
    if tag == "!!bool":
        return _WORDS.get(text.lower(), text)
    if len(text) > _MAX_NUMBER:
        return text
    if tag == "!!int":
        return _number(text, int)
    if tag == "!!float":
        return _number(text, float)
    return text


def _number(text: str, kind: type) -> Any:
    bare = text.replace("_", "").lower()
    try:
        if kind is int:
            digits = bare.lstrip("+-")
            if digits.startswith(("0x", "0b")):
                return int(bare, 0)
            # YAML 1.1: a leading zero means octal.
            return int(bare, 8) if digits.startswith("0") and digits != "0" else int(bare, 10)
        special = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}
        return float(special.get(bare, bare))
    except ValueError:
        return text


def _short(tag: str) -> str:
    return "!!" + tag[len(_YAML) :] if tag.startswith(_YAML) else tag


def _marked(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    problem = " ".join((error.problem or error.context or "not YAML").split())
    at_end = mark is not None and mark.buffer is not None and mark.pointer >= len(mark.buffer) - 1
    if "end of stream" in problem or "<stream end>" in problem or at_end:
        return f"cut off: {where}{' '.join((error.context or problem).split())}, then the file ends"
    return f"not YAML: {where}{problem}"
