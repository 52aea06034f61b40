from __future__ import annotations

import pytest

from dartenv.errors import Declined, UsageFault
from dartenv.fixes.consent import decide
from dartenv.fixes.steps import DisplayOnly, RunCommand, Safety


def step(name, *fixes, safety=Safety.SAFE):
    return RunCommand(id=name, fixes=fixes or (name,), reason="", safety=safety, argv=("/x",))


SAFE = [step("safe.a"), step("safe.b")]
UNSAFE = [step("bold.a", safety=Safety.UNSAFE), step("bold.b", safety=Safety.UNSAFE)]
HAND = DisplayOnly(id="h", fixes=("hand",), reason="", text="do", safety=Safety.DISPLAY_ONLY)


def never(steps):
    raise AssertionError("asked without a terminal")


class Answers:
    """Answers in turn, and remembers what was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __call__(self, steps):
        self.asked.append([s.id for s in steps])
        return self.answers.pop(0)


def test_without_a_terminal_and_without_yes_nothing_happens():
    for names in ((), ("bold.a",)):
        with pytest.raises(Declined) as caught:
            decide(SAFE + UNSAFE, yes=False, unsafe_ids=names, is_terminal=False, ask=never)
        assert caught.value.exit_code == 5


@pytest.mark.parametrize("terminal", [True, False])
def test_yes_covers_safe_steps_only_and_never_asks(terminal):
    got = decide([*SAFE, *UNSAFE], yes=True, unsafe_ids=(), is_terminal=terminal, ask=never)
    assert got.chosen == ("safe.a", "safe.b")
    assert "--unsafe bold.a" in got.skipped["bold.a"]


def test_an_unsafe_step_is_done_with_yes_when_named_by_step_or_fix():
    steps = [step("one", "fix.x", safety=Safety.UNSAFE), *UNSAFE]
    for name in ("one", "fix.x"):
        got = decide(steps, yes=True, unsafe_ids=(name,), is_terminal=False, ask=never)
        assert got.chosen == ("one",)
        assert set(got.skipped) == {"bold.a", "bold.b"}


def test_on_a_terminal_safe_steps_are_one_question_and_unsafe_ones_each_their_own():
    answers = Answers(True, False, True)
    got = decide(SAFE + UNSAFE, yes=False, unsafe_ids=("bold.a",), is_terminal=True, ask=answers)
    assert answers.asked == [["safe.a", "safe.b"], ["bold.a"], ["bold.b"]]
    assert got.chosen == ("safe.a", "safe.b", "bold.b")
    assert got.skipped == {"bold.a": "declined"}


def test_no_to_everything_is_declined():
    with pytest.raises(Declined):
        decide(SAFE, yes=False, unsafe_ids=(), is_terminal=True, ask=Answers(False))
    with pytest.raises(Declined, match=r"--unsafe bold\.a --unsafe bold\.b"):
        decide(UNSAFE, yes=True, unsafe_ids=(), is_terminal=True, ask=never)


def test_display_only_is_never_chosen_and_is_not_something_to_decline():
    got = decide([HAND], yes=False, unsafe_ids=(), is_terminal=False, ask=never)
    assert got.chosen == ()
    assert "by hand" in got.skipped["hand"]
    marked = step("m", safety=Safety.DISPLAY_ONLY)
    assert decide([marked], yes=True, unsafe_ids=(), is_terminal=False, ask=never).chosen == ()


def test_a_fix_is_not_done_by_half():
    steps = [step("s", "mixed"), step("u", "mixed", safety=Safety.UNSAFE), *SAFE]
    got = decide(steps, yes=True, unsafe_ids=(), is_terminal=False, ask=never)
    assert got.chosen == ("safe.a", "safe.b")
    assert "--unsafe u" in got.skipped["mixed"]


def test_a_step_shared_with_a_whole_fix_stays_chosen():
    steps = [step("shared", "whole", "half"), step("u", "half", safety=Safety.UNSAFE)]
    got = decide(steps, yes=True, unsafe_ids=(), is_terminal=False, ask=never)
    assert got.chosen == ("shared",)
    assert set(got.skipped) == {"half"}


def test_an_unknown_unsafe_name_is_wrong_usage_and_the_known_ones_are_named():
    with pytest.raises(UsageFault, match=r"safe\.a.*bold\.a") as caught:
        decide(SAFE + UNSAFE, yes=True, unsafe_ids=("safe.a",), is_terminal=False, ask=never)
    assert caught.value.exit_code == 2
