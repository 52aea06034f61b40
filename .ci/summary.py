"""What .ci/run did, stage by stage, and the sum of its tests as the last line.

``summary.py RESULTS``: each line of RESULTS is a stage, its fields between tabs: name, exit code
("-" for a stage that was not run), seconds, and the JUnit file it should have written ("" where it
runs no tests). Exit code 0 when every stage passed.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple


class Counts(NamedTuple):
    """Tests of one run; an error in a fixture counts as failed, an expected failure as passed."""

    passed: int
    failed: int
    skipped: int

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def counts_of(junit: Path) -> Optional[Counts]:
    """The counts in a JUnit file; None where there is no whole file."""
    try:
        root = ElementTree.parse(str(junit)).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    # A test that fails and whose teardown fails too is two elements of one test case.
    cases = list(root.iter("testcase"))
    failed = sum(1 for c in cases if c.find("failure") is not None or c.find("error") is not None)
    skipped = sum(1 for c in cases if c.find("skipped") is not None)
    return Counts(len(cases) - failed - skipped, failed, skipped)


def judge(code: str, junit: str) -> Tuple[str, Counts]:
    """How a stage went, in words that start with "ok" where it passed, and what it counts for.

    A stage that failed without a failed test counts as one failure, so that the sum never looks
    better than the run.
    """
    if code == "-":
        return "not run", Counts(0, 1, 0)
    counts = counts_of(Path(junit)) if junit else Counts(0, 0, 0)
    stopped = "over its time limit" if code in ("124", "137") else f"failed, exit code {code}"
    if counts is None:
        return ("wrote no test results" if code == "0" else stopped), Counts(0, 1, 0)
    if code != "0":
        return stopped, counts if counts.failed else counts._replace(failed=1)
    if junit and counts.passed == 0:
        return "no test passed", counts._replace(failed=counts.failed or 1)
    return "ok", counts


def report(lines: List[str]) -> Tuple[str, bool]:
    """The table with its last line, and whether all of it passed."""
    total = Counts(0, 0, 0)
    table: List[str] = []
    healthy = bool(lines)
    for line in lines:
        name, code, seconds, junit = line.split("\t")
        words, counts = judge(code, junit)
        healthy = healthy and words == "ok" and counts.failed == 0
        total = Counts(*(a + b for a, b in zip(total, counts)))
        tests = str(counts) if junit else ""
        table.append(f"{name:<20} {seconds:>5} s  {words:<24} {tests}".rstrip())
    return "\n".join([*table, str(total)]), healthy


if __name__ == "__main__":
    text, passed = report(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
    print(text, flush=True)
    sys.exit(0 if passed else 1)
