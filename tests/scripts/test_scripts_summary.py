"""The closing lines of .ci/run: the sum must never look better than the run."""

from __future__ import annotations

from pathlib import Path

import pytest
from summary import Counts, counts_of, judge, report

SUITE = (
    '<testsuites><testsuite name="pytest" tests="5">'
    '<testcase name="a"/><testcase name="b"/>'
    '<testcase name="c"><skipped type="pytest.skip" message="no torch"/></testcase>'
    '{extra}<testcase name="e"/></testsuite></testsuites>'
)
FAILED = '<testcase name="d"><failure message="x"/><error message="teardown too"/></testcase>'


@pytest.fixture
def junit(tmp_path: Path) -> Path:
    path = tmp_path / "passed.xml"
    path.write_text(SUITE.format(extra=""), encoding="utf-8")
    return path


@pytest.fixture
def junit_failed(tmp_path: Path) -> Path:
    path = tmp_path / "failed.xml"
    path.write_text(SUITE.format(extra=FAILED), encoding="utf-8")
    return path


def test_counts_are_of_tests(junit: Path, junit_failed: Path) -> None:
    assert counts_of(junit) == Counts(3, 0, 1)
    assert counts_of(junit_failed) == Counts(3, 1, 1)


def test_a_run_that_passed_is_healthy_and_ends_in_the_plain_line(junit: Path) -> None:
    text, healthy = report([f"linux 3.11\t0\t61\t{junit}", "lint\t0\t1\t", f"b\t0\t9\t{junit}"])
    assert healthy
    assert text.splitlines()[-1] == "6 passed, 0 failed, 2 skipped"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("lint\t1\t2\t", "failed, exit code 1"),
        ("windows 3.8\t124\t900\tmissing.xml", "over its time limit"),
        ("windows 3.8\t137\t900\tmissing.xml", "over its time limit"),
        ("windows 3.8\t0\t9\tmissing.xml", "wrote no test results"),
        ("linux 3.8\t-\t0\t", "not run"),
    ],
)
def test_a_stage_without_a_failed_test_still_counts_as_a_failure(line: str, words: str) -> None:
    text, healthy = report([line])
    assert not healthy
    assert words in text
    assert text.splitlines()[-1] == "0 passed, 1 failed, 0 skipped"


def test_failed_tests_are_not_counted_twice(junit_failed: Path) -> None:
    assert judge("1", str(junit_failed)) == ("failed, exit code 1", Counts(3, 1, 1))


def test_an_exit_code_of_0_does_not_hide_a_failed_test(junit_failed: Path) -> None:
    text, healthy = report([f"a\t0\t1\t{junit_failed}"])
    assert not healthy
    assert text.endswith("3 passed, 1 failed, 1 skipped")


def test_a_crash_after_passing_tests_is_a_failure(junit: Path) -> None:
    assert judge("3", str(junit)) == ("failed, exit code 3", Counts(3, 1, 1))


def test_a_stage_of_nothing_but_skips_did_not_pass(tmp_path: Path) -> None:
    path = tmp_path / "skips.xml"
    path.write_text("<testsuite><testcase><skipped/></testcase></testsuite>", encoding="utf-8")
    assert not report([f"a\t0\t1\t{path}"])[1]


def test_a_cut_off_file_and_no_stages_at_all_are_failures(junit: Path) -> None:
    junit.write_text(junit.read_text(encoding="utf-8")[:60], encoding="utf-8")
    assert counts_of(junit) is None
    assert not report([f"a\t0\t1\t{junit}"])[1]
    assert not report([])[1]
