"""Whose names the facts tell, and which words mean something else in them."""

from __future__ import annotations

import re
from typing import Any, FrozenSet, Iterator, List, Set

from dartenv.facts import redact_rules as rules
from dartenv.facts.model import PROBES, Facts

_ANY_PLACEHOLDER = re.compile(r"(?:user|用户)[- ]\d+|redacted-\w+-\d+")


def user_names(facts: Facts, data: Any) -> List[str]:
    """Every user name that the facts tell: the account's, its home's, and those of other homes."""
    names: List[str] = []
    if facts.host is not None:
        names.append((facts.host.user or "").replace("/", "\\").split("\\")[-1])
        home = (facts.host.home or "").replace("\\", "/").rstrip("/")
        names.append(home.rsplit("/", 1)[-1] if home.count("/") > 1 else "")
    for text in _strings(data):
        for match in rules.USER_FOLDER.finditer(text):
            end = text[match.end() : match.end() + 1]
            # Without a separator behind it, it may be a name and the rest of a sentence.
            if end in ("\\", "/") or " " not in match.group(1):
                names.append(rules.unspelled(match.group(1)))
    known = (name for name in names if name and name.lower() not in rules.SHARED)
    return list(dict.fromkeys(name for name in known if not rules.PLACEHOLDER.match(name)))


def vocabulary(facts: Facts) -> FrozenSet[str]:
    """Words that mean something else in these facts; a user or a machine may be called so."""
    words = {*rules.COMMON, *PROBES}
    inside = facts.interpreter
    if inside is not None:
        for one in inside.distributions:
            words.update((one.name.lower(), *(name.lower() for name in one.top_level)))
        words.update(one.name.lower() for one in inside.modules)
    if facts.source is not None:
        for module in facts.source.closure:
            words.update(module.lower().split("."))
    return frozenset(words)


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _strings(key)
            yield from _strings(value)
    elif isinstance(node, list):
        for item in node:
            yield from _strings(item)


def placeholders(data: Any) -> Set[str]:
    """Those that stand in facts already, in lower case."""
    return {found.lower() for text in _strings(data) for found in _ANY_PLACEHOLDER.findall(text)}
