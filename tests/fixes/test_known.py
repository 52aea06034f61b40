"""The list of fixes that reports read, held against those that stand."""

from __future__ import annotations

import subprocess
import sys

from dartenv.checks import all_checks
from dartenv.checks.registry import REGISTRY
from dartenv.fixes import all_fixes
from dartenv.fixes.known import KNOWN_FIXES
from dartenv.fixes.registry import known_fixes
from dartenv.pages.store import page


def test_every_fix_is_known_and_every_known_one_stands() -> None:
    all_fixes()
    assert known_fixes() == KNOWN_FIXES


def test_every_fix_is_that_of_a_check_and_its_page_says_how_to_call_it() -> None:
    all_checks()
    for fix in KNOWN_FIXES:
        assert fix in REGISTRY.checks
        assert f"dartenv fix {fix}" in page(fix), fix


def test_the_list_is_read_without_the_planners() -> None:
    code = (
        "import sys, dartenv.fixes.known; "
        "print([m for m in sys.modules if m.startswith('dartenv.fixes.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.decode("ascii").strip() == "['dartenv.fixes.known']"
