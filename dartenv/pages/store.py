"""Reading the pages: one Markdown file an id, packaged beside this module."""

from __future__ import annotations

import difflib
import inspect
import sys
from typing import Dict, List, Tuple

from dartenv.errors import UsageFault

if sys.version_info >= (3, 9):
    from importlib.resources import files as _resource_files
else:
    from importlib_resources import files as _resource_files


def ids() -> List[str]:
    """Every id that has a page, sorted."""
    folder = _resource_files("dartenv.pages")
    return sorted(e.name[: -len(".md")] for e in folder.iterdir() if e.name.endswith(".md"))


def page(page_id: str) -> str:
    """The Markdown text of a page; UsageFault naming the nearest ids for an unknown one."""
    known = ids()
    if page_id not in known:
        brought = _brought().get(page_id)
        if brought is not None:
            return brought
        near = difflib.get_close_matches(page_id, known, 3) or [
            one for one in known if one.startswith(page_id)
        ]
        raise UsageFault(
            f"no page for {page_id!r}",
            "one of: " + ", ".join(near[:6]) if near else "a check id",
            "dartenv explain --list",
        )
    return (_resource_files("dartenv.pages") / f"{page_id}.md").read_text(encoding="utf-8")


def titles() -> List[Tuple[str, str]]:
    """Every id with the title on its page's first line (after ``# ID:``)."""
    found: List[Tuple[str, str]] = []
    for page_id in sorted({*ids(), *_brought()}):
        first = page(page_id).splitlines()[0]
        found.append((page_id, first.partition(":")[2].strip() or first.lstrip("# ")))
    return found


def _brought() -> Dict[str, str]:
    """A page for each check that an extension brings: what its docstring says."""
    from dartenv.checks import all_checks
    from dartenv.checks.registry import REGISTRY

    all_checks()
    known = set(ids())
    return {
        check.id: f"# {check.id}: {check.title}\n\n{inspect.getdoc(check.function) or check.title}"
        f"\n\nBrought by {check.function.__module__}.\n"
        for check in REGISTRY.checks.values()
        if check.id not in known
    }
