from __future__ import annotations

import ast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dartenv.source.module import Module
from dartenv.source.text import SourceText, UnreadableError

NEWLINES = ("\n", "\r\n", "\r")


@pytest.mark.parametrize("newline", NEWLINES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "latin-1"])
def test_a_position_of_ast_is_the_place_in_the_text(newline: str, encoding: str) -> None:
    word = "é" if encoding == "latin-1" else "步行"
    coding = "" if encoding.startswith("utf-8") else f"# -*- coding: {encoding} -*-"
    lines = [coding, f"a = '{word}' + target", f"if a:{newline}\tb = '{word}', target"]
    data = newline.join(lines).encode(encoding)
    module = Module("m.py", data)
    names = [n for n in module.nodes(ast.Name) if n.id == "target"]
    assert [module.segment(name) for name in names] == ["target", "target"]
    assert module.source.encode(module.source.text) == data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a = 1\0\n", "NUL"),
        (b"# coding: no-such-codec\n", "cannot be decoded"),
        (b"a = '\xff'\n", "cannot be decoded"),
        (b"# coding: gbk\na = '\xff\xff'\n", "cannot be decoded"),
        (b"# coding: utf-7\na = '+AGE-'\n", "does not survive"),
    ],
)
def test_bytes_that_do_not_come_back_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        SourceText(data)


@pytest.mark.parametrize(
    "data", [b"a = (\n", b"print 'two'\n", b"\xef\xbb\xbf\xef\xbb\xbfa = 1\n", b"(" * 5000]
)
def test_what_python_cannot_parse_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        Module("m.py", data)


def test_a_newline_is_the_lines_own_then_the_nearest() -> None:
    source = SourceText(b"a\r\nb\nc\rd")
    assert [source.newline(line) for line in (1, 2, 3, 4)] == ["\r\n", "\n", "\r", "\r"]
    assert SourceText(b"").newline(1) == "\n"
    assert SourceText(b"only").newline(1) == "\n"


def test_a_form_feed_ends_no_line() -> None:
    module = Module("m.py", b"a = 1\n\x0c\nb = target\n")
    (name,) = [n for n in module.nodes(ast.Name) if n.id == "target"]
    assert module.line(name) == 3
    assert module.segment(name) == "target"


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF)),
        max_size=6,
    ),
    st.sampled_from(NEWLINES),
    st.booleans(),
)
def test_any_text_comes_back(lines: list[str], newline: str, mark: bool) -> None:
    text = newline.join(f"# {line}" for line in lines)
    data = text.encode("utf-8-sig" if mark else "utf-8")
    try:
        source = SourceText(data)
    except UnreadableError:  # the comment reads as a coding line of another encoding
        return
    assert source.encode(source.text) == data
    for line in range(1, len(lines) + 1):
        start = source.line_start(line)
        assert source.line_of(start) == line
        assert source.text[start : source.line_start(line + 1)] == source.line(line)
