from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from dartenv.fixes.diff import declared_encoding, unified_diff


def test_a_changed_line_is_shown_with_context_and_true_line_numbers():
    old = b"".join(b"line %d\n" % n for n in range(1, 101))
    diff = unified_diff("mld/x.py", old, old.replace(b"line 50\n", b"fifty\n"))
    assert diff.splitlines() == [
        "--- a/mld/x.py",
        "+++ b/mld/x.py",
        "@@ -47,7 +47,7 @@",
        " line 47",
        " line 48",
        " line 49",
        "-line 50",
        "+fifty",
        " line 51",
        " line 52",
        " line 53",
    ]


def test_crlf_that_both_sides_have_is_not_shown_and_a_change_of_line_ends_is():
    diff = unified_diff("x", b"a\r\nb\r\n", b"a\r\nc\r\n")
    assert "\\r" not in diff
    assert "-b\n+c\n" in diff
    assert "-a\\r\\n\n" not in unified_diff("x", b"a\r\n", b"a\n")
    assert "-a\\r\n+a\n" in unified_diff("x", b"a\r\n", b"a\n")


def test_a_missing_last_line_end_is_said():
    assert unified_diff("x", b"a\nb", b"a\nb\n").endswith("-b\n\\ No newline at end of file\n+b\n")


def test_the_declared_encoding_is_used():
    gbk = "# -*- coding: gbk -*-\n# 注释\nx = 1\n"
    diff = unified_diff("x", gbk.encode("gbk"), gbk.replace("1", "2").encode("gbk"))
    assert " # 注释\n" in diff
    assert declared_encoding(b"# vim: set fileencoding=latin-1 :\n") == "iso8859-1"
    assert declared_encoding(b"# coding: no-such-codec\n") == "utf-8"
    assert declared_encoding(b"\n\n# coding: gbk\n") == "utf-8"  # only the first two lines count


def test_undeclared_bytes_and_terminal_escapes_are_shown_as_escapes():
    diff = unified_diff("x", b"\xe9 caf\x1b[31m\n", b"cafe\n")
    assert "-\\xe9 caf\\x1b[31m\n" in diff
    assert "\x1b" not in diff


def test_a_codec_that_is_not_one_of_text_does_not_fail():
    assert "+y" in unified_diff("x", b"# coding: rot13\nx\n", b"# coding: rot13\ny\n")
    assert "+y" in unified_diff("x", b"# coding: hex\nx\n", b"# coding: hex\ny\n")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120), st.binary(max_size=120))
def test_any_bytes_give_a_diff_exactly_when_they_differ(old, new):
    diff = unified_diff("x", old, new)
    assert bool(diff) == (old != new)
    diff.encode("utf-8")


def test_twenty_thousand_lines_with_edits_at_both_ends_are_quick():
    old = [b"value = %d\n" % n for n in range(20_000)]
    new = [b"first\n", *old[1:-1], b"last\n"]
    begun = time.perf_counter()
    diff = unified_diff("x", b"".join(old), b"".join(new))
    assert diff.count("\n+") == 3  # the header's and two lines
    assert time.perf_counter() - begun < 5
