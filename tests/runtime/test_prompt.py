"""Prompts, as mld.rollout_mld reads them."""

from __future__ import annotations

import pytest

from dartenv.errors import UsageFault
from dartenv.runtime.prompt import parse, spread


@pytest.mark.parametrize(
    ("prompt", "body", "expected"),
    [
        ("walk forward*6", "smplx", [("walk forward", 6)]),
        ("walk*6, turn left*2,wave*4", "smplx", [("walk", 6), ("turn left", 2), ("wave", 4)]),
        ("wave and stand*3", "smplx", [("stand and wave", 3)]),
        ("a man walks, then waves*2; he sits*1", "smplh", [("a man walks, then waves", 2), ("he sits", 1)]),
        ("wave and stand*3", "smplh", [("wave and stand", 3)]),
        ("*4", "smplx", [("", 4)]),
        ("向前走* 2 ", "smplx", [("向前走", 2)]),
        ("👋🏽*1", "smplx", [("👋🏽", 1)]),
    ],
)  # fmt: skip
def test_a_prompt_is_actions_and_counts(prompt, body, expected):
    assert [tuple(part) for part in parse(prompt, body)] == expected


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("", "an empty prompt"),
        ("  ", "an empty prompt"),
        ("walk", "'walk' has no [*]count"),
        ("walk*2, turn", "'turn' has no [*]count"),
        ("walk*2,", "'' has no [*]count"),
        ("walk*2*3", "2 asterisks"),
        ("walk*", "for '' primitives"),
        ("walk*0", "for '0' primitives"),
        ("walk*-1", "for '-1' primitives"),
        ("walk*1.5", "for '1.5' primitives"),
        ("walk*²", "for '²' primitives"),
        ("walk*10001", "10001 motion primitives"),
        ("walk*9999999999", "9999999999"),
    ],
)
def test_a_prompt_that_cannot_be_is_told_why(prompt, said):
    with pytest.raises(UsageFault, match=said):
        parse(prompt)


def test_a_prompt_as_long_as_a_book_is_refused():
    with pytest.raises(UsageFault, match="160002 characters"):
        parse("walk" * 40_000 + "*1")


def test_a_long_action_is_shown_short():
    with pytest.raises(UsageFault) as caught:
        parse("word " * 500)
    assert len(str(caught.value)) < 300


def test_every_primitive_has_its_text():
    assert spread(parse("a*2, b*1")) == ["a", "a", "b"]


@pytest.mark.parametrize(("body", "apart"), [("smplx", ","), ("smplh", ";")])
def test_the_example_is_a_prompt_for_that_body(body, apart):
    with pytest.raises(UsageFault) as fault:
        parse("walk*2*3", body)
    example = str(fault.value).split('"')[1]
    assert apart in example
    assert len(parse(example, body)) == 3
