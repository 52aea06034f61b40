"""Motion that goes on while prompts, pauses, seeds and faults come."""

from __future__ import annotations

import pytest

from dartenv.errors import UsageFault
from tests.live.conftest import Driven

FUTURE = 8


def test_frames_come_in_order_one_a_tick(driven):
    frames = driven.frames(40)
    assert [f.number for f in frames] == list(range(40))
    assert [f.translation[0] for f in frames] == pytest.approx([0.01 * (n + 1) for n in range(40)])
    assert driven.nothing_comes()
    assert frames[5].places[0] == pytest.approx([0.06, 0, 0.95])


def test_fewer_frames_than_a_primitive_lie_ready(driven):
    driven.frames(3)
    driven.until(lambda: len(driven.engine._ready) == driven.engine.ahead)
    assert driven.engine.ahead == FUTURE - 2
    assert driven.nothing_comes()


@pytest.mark.parametrize("place", range(FUTURE))
def test_a_new_prompt_shows_within_one_primitive(driven, place):
    driven.steadily(FUTURE + place)
    driven.ask("turn left")
    frames = driven.steadily(FUTURE)
    shown = [f.text for f in frames].index("turn left") + 1
    assert shown <= FUTURE
    assert {f.text for f in frames[shown - 1 :]} == {"turn left"}
    driven.until(lambda: driven.engine.prompts.last is not None)
    assert driven.engine.prompts.last["frames"] == shown
    assert driven.engine.prompts.showing.text == "turn left"


def test_prompts_that_come_quicker_than_primitives_do_not_empty_what_lies_ready(driven):
    driven.steadily(FUTURE)
    driven.until(lambda: len(driven.engine._ready) == driven.engine.ahead)
    driven.host.gate.clear()  # the next primitive takes long
    driven.ask("turn 1")
    driven.frames(1)
    driven.until(lambda: driven.engine._taken.text == "turn 1")
    driven.frames(driven.engine.ahead - 1)
    driven.ask("turn 2")
    driven.host.gate.set()
    driven.until(lambda: len(driven.engine._ready) == driven.engine.ahead)
    texts = [frame.text for frame in driven.engine._ready]
    assert texts == ["turn 1"] * (driven.engine.ahead - 1) + ["turn 2"]


def test_a_text_that_takes_long_does_not_hold_the_motion(driven):
    driven.host.embedding.clear()
    driven.engine.ask("turn left")
    assert {f.text for f in driven.frames(30)} == {"walk"}
    driven.host.embedding.set()
    driven.until(lambda: driven.engine.prompts.ready is driven.engine.prompts.wanted)
    assert driven.steadily(FUTURE)[-1].text == "turn left"


def test_of_many_prompts_the_last_is_shown_and_others_are_overtaken(driven):
    driven.frames(1)
    driven.host.embedding.clear()
    for number in range(200):
        driven.engine.ask(f"turn {number}")
    driven.host.embedding.set()
    driven.until(lambda: driven.engine.prompts.ready is driven.engine.prompts.wanted)
    texts = [f.text for f in driven.steadily(2 * FUTURE)]
    assert texts[-1] == "turn 199"
    assert len(set(texts)) <= 3  # walk, the one that was being worked out, the last
    assert len(driven.engine.prompts.history) == 50
    assert not driven.engine.prompts._waiting


def test_a_prompt_that_cannot_be_embedded_is_said_and_the_motion_goes_on(driven):
    driven.ask("unheard of")
    assert {f.text for f in driven.frames(20)} == {"walk"}
    assert "clip_text" in driven.engine.note
    assert driven.engine.prompts.wanted.text == "walk"
    driven.ask("turn left")
    assert driven.steadily(FUTURE)[-1].text == "turn left"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x" * 1001, "1001 characters"),
        ("walk*6, turn*2", "counts primitives"),
        ("wa\x00lk", "cannot be seen"),
    ],
)
def test_prompts_that_cannot_be(driven, text, said):
    with pytest.raises(UsageFault, match=said):
        driven.engine.ask(text)
    assert driven.engine.prompts.wanted.text == "walk"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("向前走 😀", "向前走 😀"),
        ("wave \U0001f469\u200d\U0001f680", "wave \U0001f469\U0001f680"),  # joined by a mark
        ("walk \u202eback", "walk back"),
        (" ".join(["go"] * 300), " ".join(["go"] * 300)),
    ],
)
def test_prompts_in_any_language_are_shown_and_marks_left_out(driven, text, wanted):
    driven.steadily(FUTURE)
    driven.ask(text)
    assert driven.engine.prompts.wanted.text == wanted
    assert driven.steadily(FUTURE)[-1].text == wanted


def test_what_the_runtime_says_of_a_text_is_told_until_the_next_one(driven):
    driven.ask("on and on")
    driven.until(lambda: driven.engine.note)
    assert driven.engine.note == "the last 3 tokens were left out"
    driven.ask("turn left")
    assert driven.engine.note == ""


def test_another_sampler_stays_when_the_motion_begins_again(host):
    made = Driven(host, prompt="walk", respacing="ddim5")
    assert host.respacing == "ddim5"
    host.respacing = None
    made.engine.start()
    made.engine.begin_again(3)
    made.frames(2 * FUTURE)
    assert host.respacing == "ddim5"
    made.engine.stop()
    made.bus.close()


def test_a_prompt_is_put_as_the_networks_know_it(driven):
    driven.engine.ask("  wave \n and   turn ")
    assert driven.engine.prompts.wanted.text == "turn and wave"
    driven.engine.ask("")
    assert driven.engine.prompts.wanted.text == ""


def test_a_pause_holds_the_motion_and_loses_nothing(driven):
    driven.frames(5)
    driven.engine.pause(True)
    driven.clock.let(1)  # the tick that was being waited for
    last = driven._queue.get(10)
    driven.clock.let(3)
    assert driven.nothing_comes()
    driven.engine.pause(False)
    assert [driven._queue.get(10).number for _ in range(3)] == [last.number + n for n in (1, 2, 3)]


def test_a_seed_begins_again(driven):
    before = driven.steadily(30)[-1]
    driven.engine.begin_again(3)
    frames = driven.steadily(2 * FUTURE)
    moved = [f for f in frames if f.translation[1] == 3]
    assert moved[0].translation[0] == pytest.approx(0.01)
    assert moved[0].number <= before.number + FUTURE
    assert [f.number for f in frames] == list(range(30, 30 + 2 * FUTURE))
    for seed in (-1, 2**53, 1.5):
        with pytest.raises(UsageFault, match="seed"):
            driven.engine.begin_again(seed)


def test_guidance_counts_from_the_next_frames_on(driven):
    driven.engine.guide(2.5)
    driven.frames(FUTURE)
    assert driven.host.streams[-1].guidance == 2.5
    with pytest.raises(UsageFault, match="guidance"):
        driven.engine.guide(float("nan"))


def test_motion_that_ran_out_of_numbers_begins_again(driven):
    driven.frames(10)
    driven.host.sick = 1
    frames = driven.frames(30)
    assert [f.number for f in frames] == list(range(10, 40))
    assert driven.engine.figures.restarts == 1
    assert "no numbers" in driven.engine.note
    assert len(driven.host.streams) == 2


def test_what_the_runtime_fails_of_ends_the_run(driven):
    driven.frames(2)
    driven.host.breaks = UsageFault("primitive.fp32.onnx was changed")
    driven.engine.ask("turn")
    driven.clock.let(FUTURE + 1)
    assert driven.engine.ended.wait(10)
    assert driven.engine.fault is driven.host.breaks


def test_a_receiver_that_reads_nothing_costs_the_others_nothing(driven):
    stalled = driven.bus.join("stalled", 2)
    assert len(driven.frames(50)) == 50
    assert driven.bus.tally("stalled").dropped == 48
    assert stalled.get().number == 48


def test_a_prompt_that_cannot_be_ends_before_anything_starts(host):
    from dartenv.live.bus import Bus
    from dartenv.live.engine import Engine

    with pytest.raises(UsageFault, match="counts primitives"):
        Engine(host, Bus(), prompt="walk*2")
    assert not host.streams
