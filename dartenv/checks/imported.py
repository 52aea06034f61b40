"""Results of deep imports as findings: what the checks of imports share."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence

import msgspec

from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import finding
from dartenv.facts.model import ImportResult, ImportsFacts

OUTCOMES = {
    "crash": "crashes",
    "timeout": "hangs",
    "missing": "is missing",
    "error": "does not import",
}


def failed(
    result: ImportResult,
    name: str,
    *,
    why: str,
    fix: Optional[str] = None,
    more: Sequence[str] = (),
) -> Finding:
    """A failing import as a finding that names the module it happened in."""
    missing = result.details.get("missing_dll")
    deeper = result.module if result.module not in (None, name) else None
    inside = f" in {deeper}" if deeper else ""
    what = OUTCOMES.get(result.outcome, "does not import")
    evidence = [f"cannot be loaded: {missing}"] if missing else []
    evidence += [*more, *words_of(result)]
    return finding(
        Status.FAIL,
        f"{name} {what}{inside}: {result.error}",
        found=f"importing {name}{inside}: {told(result)}",
        wanted="an import that ends without an error",
        evidence=evidence,
        why=why,
        fix=fix,
        remedy=_remedy(result, name),
        source="the import itself, in a process of its own",
    )


def _remedy(result: ImportResult, name: str) -> str:
    if result.details.get("missing_dll"):
        return "bring the libraries named above: most often the Microsoft Visual C++ runtime"
    if result.outcome == "crash":
        return "a crash comes from compiled code: install that package again, built for this Python"
    if result.outcome == "timeout":
        return "see what it waits for: a network drive, a virus scanner, a lock"
    package = (result.module or name).split(".")[0]
    return f"install {package} again, in a version that fits this Python and its other packages"


def told(result: ImportResult) -> str:
    kind = f"{result.error_type}: " if result.error_type else ""
    return f"{kind}{result.error or result.outcome}"


def words_of(result: ImportResult) -> List[str]:
    return result.details.get("stderr", "").splitlines()[-4:]


def results_of(imports: ImportsFacts, check_id: str) -> Dict[str, ImportResult]:
    return {
        result.name: result
        for result in imports.results
        if result.name == check_id or result.name.startswith(check_id + ":")
    }


def not_looked_at() -> Finding:
    return finding(Status.SKIP, "not looked at: the import was not tried")


def follows(cause: str) -> Finding:
    value = finding(Status.SKIP, f"not looked at: {cause} comes first")
    return msgspec.structs.replace(value, cause=cause)
