"""What a fresh probe says of a fix: it helped, it did its part, it did not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, List, Optional

import pytest

from dartenv import repair
from dartenv.checks import all_checks
from dartenv.checks.finding import Finding, Remedy, Status
from dartenv.facts.model import Facts
from dartenv.manifests.loader import Manifests
from dartenv.target import Target

FIX = "cuda.env"


def said(status: Status, fix: Optional[str]) -> Finding:
    remedy = Remedy(text="x", fix=fix)
    return Finding(check=FIX, status=status, summary="so it is", remedy=remedy)


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        ([said(Status.OK, None)], True),
        # PATH still leads elsewhere: not what the fix touches, and said.
        ([said(Status.INFO, None)], None),
        ([said(Status.WARN, None)], None),
        ([said(Status.WARN, FIX)], False),
        ([said(Status.INFO, None), said(Status.INFO, FIX)], False),
        ([said(Status.FAIL, None)], False),
        ([], None),
    ],
)
def test_a_fix_is_judged_by_what_its_check_still_asks_of_it(
    monkeypatch: pytest.MonkeyPatch, findings: List[Finding], verdict: Optional[bool]
) -> None:
    all_checks()
    again: Any = SimpleNamespace(facts=Facts(), report=SimpleNamespace(findings=findings))
    monkeypatch.setattr(repair, "examine", lambda request: again)
    request = repair.Request(manifests=Manifests(), target=Target())
    assert repair.verify(request, [FIX])[FIX][0] is verdict
