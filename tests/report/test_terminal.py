"""Text on consoles that cannot show all of it."""

from __future__ import annotations

import io

import pytest

from dartenv.report.terminal import encodable, write


def stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")


@pytest.mark.parametrize("encoding", ["cp1252", "gbk", "ascii", "cp437", "utf-8"])
def test_any_line_can_be_written_to_any_console(encoding: str) -> None:
    out = stream(encoding)
    write([[("✓ C:\\Users\\李明 — ━━ é \U0001f600", "green")], []], out)
    out.flush()
    written = out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert "C:\\Users\\" in written
    assert written.endswith("\n\n")


def test_what_the_encoding_has_is_left_alone() -> None:
    assert encodable("李明 — x", "gbk") == "李明 — x"
    assert encodable("李明 — é", "cp1252") == "?? — é"
    assert encodable("━ ✓ …", "ascii") == "= ok ..."


def test_an_unknown_encoding_falls_back_to_ascii() -> None:
    assert encodable("a — b", "no-such-codec") == "a - b"


def test_styles_leave_no_trace_without_a_terminal() -> None:
    out = stream("utf-8")
    write([[("FAIL", "bold red"), (" x", "")]], out)
    assert out.buffer.getvalue() == b"FAIL x\n"  # type: ignore[attr-defined]
