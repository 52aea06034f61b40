"""Splicing into JSON with comments: the rest stays, and what is added reads back."""

from __future__ import annotations

import json
from typing import Any, List

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dartenv.facts import jsonc
from dartenv.fixes.jsonc_edit import Style, appended, dumped, replaced, scan, style_of

FOUR = Style("\n", "    ")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[]", "[\n    9\n]"),
        ("[ ]", "[\n    9\n]"),
        ("[\n]", "[\n    9\n]"),
        ("[ // why\n]", "[ // why\n    9\n]"),
        ("[/* a\n b */]", "[/* a\n b */\n    9\n]"),
        ("[\n  1\n]", "[\n  1,\n  9\n]"),
        ("[\n\t1,\n]", "[\n\t1,\n\t9,\n]"),
        ("[\n  1 // one\n]", "[\n  1, // one\n  9\n]"),
        ("[\n  1, // one\n]", "[\n  1, // one\n  9,\n]"),
        ("[\n  1 /* a */ // b\n]", "[\n  1, /* a */ // b\n  9\n]"),
        ("[\n  1 /* a\n b */\n]", "[\n  1,\n  9 /* a\n b */\n]"),
        ("[\n  1\n  // [2],\n]", "[\n  1,\n  9\n  // [2],\n]"),
        ("[\n  1\n  , // odd\n]", "[\n  1\n  , // odd\n  9,\n]"),
        ("[1]", "[1,\n    9]"),
        ('[ // "]"\n  "]" // x\n]', '[ // "]"\n  "]", // x\n  9\n]'),
    ],
)
def test_an_item_goes_to_the_end(before: str, after: str) -> None:
    new = appended(before, scan(before), 9, FOUR)
    assert new == after
    assert jsonc.loads(new) == [*jsonc.loads(before), 9]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", '{\n    "k": 9\n}'),
        ('{\r\n  "a": 1 // x\r\n}\r\n', '{\r\n  "a": 1, // x\r\n  "k": 9\r\n}\r\n'),
        ('{"a": {\n}}', '{"a": {\n},\n    "k": 9}'),
    ],
)
def test_a_member_goes_to_the_end(before: str, after: str) -> None:
    style = style_of(before, "\r\n" if "\r" in before else "\n")
    assert appended(before, scan(before), 9, style, key="k") == after


def test_an_option_stands_on_a_line_with_its_value() -> None:
    value = {"args": ["--seed", "0", "--flag", "--text", "--", "a", "b"]}
    text = dumped(value, "", Style("\r\n", "  "))
    assert json.loads(text) == value
    assert '\r\n    "--seed", "0",\r\n    "--flag",\r\n' in text


def test_the_last_of_two_members_counts() -> None:
    text = '{"a": 1, "a": /* b */ [2, 3,],}'
    member = scan(text).member("a")
    assert member is not None
    assert text[member.start : member.end] == "[2, 3,]"
    assert jsonc.loads(replaced(text, member, '"x"')) == {"a": "x"}


@pytest.mark.parametrize(
    "text", ["", "{", "[1 2]", '{"a" 1}', "{1: 2}", "[1]]", '{"a": }', "[tru]", '["a', "[,]"]
)
def test_what_is_not_json_is_told(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        scan(text)


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6))
DATA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
GAPS = st.sampled_from(["", " ", "\n", "\r\n\t", " // c, ]} \n", '/* [ " */', "\n    "])


def _written(value: Any, draw: Any) -> str:
    gap = draw(GAPS)
    if not isinstance(value, (list, dict)):
        return gap + json.dumps(value, ensure_ascii=draw(st.booleans())) + draw(GAPS)
    parts: List[str] = []
    if isinstance(value, list):
        parts = [_written(item, draw) for item in value]
        begin, end = "[]"
    else:
        parts = [
            f"{draw(GAPS)}{json.dumps(k)}{draw(GAPS)}:{_written(v, draw)}" for k, v in value.items()
        ]
        begin, end = "{}"
    trailing = "," + draw(GAPS) if parts and draw(st.booleans()) else ""
    return gap + begin + ",".join(parts) + trailing + draw(GAPS) + end + draw(GAPS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(DATA, max_size=3), st.data())
def test_whatever_the_layout_an_item_can_be_added(value: List[Any], data: st.DataObject) -> None:
    text = _written(value, data.draw)
    new = appended(text, scan(text), {"a": ["x"]}, FOUR)
    assert jsonc.loads(new) == [*value, {"a": ["x"]}]
    # All that was there is still there, in its order.
    rest = iter(new)
    assert all(character in rest for character in text)
