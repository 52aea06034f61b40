"""The type of ``install/failures.toml``: what failing installs say, and what helps."""

from __future__ import annotations

import re
import string
from typing import Iterator, Tuple

from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Manifest

# A path or a second spelling that a pattern found or not: templates may name these groups.
FIELDS = frozenset(("tool",))


class FailureRow(Manifest, frozen=True, kw_only=True):
    """One way to fail: ``tools`` empty stands for all; groups of ``pattern`` fill the templates."""

    cause: str
    pattern: str
    summary: str
    remedy: str
    tools: Tuple[str, ...] = ()


class FailureTable(Manifest, frozen=True, kw_only=True):
    """install/failures.toml, the telling rows first."""

    id: str
    source: str
    rows: Tuple[FailureRow, ...]


def failure_table(manifests: Manifests) -> FailureTable:
    """The table in force. Raises UsageFault naming file and key."""
    return manifests.read("install", "failures", FailureTable)


def table_problems(table: FailureTable) -> Iterator[Tuple[str, str]]:
    """(key, what is wrong): patterns that are none, templates that name no group."""
    for number, row in enumerate(table.rows):
        key = f"rows[{number}] {row.cause}"
        try:
            groups = set(re.compile(row.pattern).groupindex) | FIELDS
        except re.error as error:
            yield f"{key}.pattern", f"no regular expression: {error}"
            continue
        for name, template in (("summary", row.summary), ("remedy", row.remedy)):
            try:
                named = {field for _, field, _, _ in string.Formatter().parse(template) if field}
            except ValueError as error:
                yield f"{key}.{name}", f"no template: {error}"
                continue
            for field in sorted(named - groups):
                yield f"{key}.{name}", f"{{{field}}} is no group of the pattern"
