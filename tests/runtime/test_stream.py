"""Frames one at a time, and a prompt that changes under them."""

from __future__ import annotations

import threading

import pytest

np = pytest.importorskip("numpy")


@pytest.fixture
def host(tiny):
    from dartenv.runtime import load

    return load(tiny.folder, threads=1)


def test_a_stream_gives_the_frames_of_the_whole_motion(host):
    motion = host.generate("walk*3", seed=1)[0]
    frames = host.stream("walk", seed=1).take(14)
    assert [f.index for f in frames] == list(range(14))
    assert np.allclose([f.translation for f in frames], motion.translation, atol=1e-6)
    assert np.allclose([f.rotations for f in frames], motion.rotations, atol=1e-6)
    assert np.allclose([f.joints for f in frames], motion.joints, atol=1e-6)


def test_a_new_prompt_starts_at_the_next_frame_from_where_the_body_is(host):
    stream = host.stream("walk", seed=1, guidance=1)
    before = stream.take(4)  # two of the seed, two of the first primitive's four
    stream.prompt = "turn walk"
    after = stream.take(4)
    assert [f.text for f in after] == ["turn walk"] * 4
    # The fake primitive counts from its own origin: its next step lies one step beyond, in a world
    # whose origin is the pelvis of the history's first frame, here one frame before the last shown.
    assert before[3].translation[0] > before[2].translation[0] > 0
    noise = np.random.default_rng([1, 0])
    drawn = [noise.standard_normal((3, 1, 3), dtype=np.float32) for _ in range(2)][1]
    step = after[0].translation - _origin(host, before)
    assert step[0] == pytest.approx(0.01 * host.embed("turn walk")[0], rel=1e-3)
    assert step[1] == pytest.approx(0.03 * drawn.sum(), abs=1e-4)


def _origin(host, shown):
    """Where the frame before the last has its predicted pelvis: the new frame's origin. The fake
    graph's features say that it stays at the primitive's origin."""
    return np.zeros(3)


def test_a_prompt_before_the_first_frame_leaves_the_seed_whole(host):
    stream = host.stream("walk", seed=1)
    stream.prompt = "turn"
    frames = stream.take(6)
    assert len({f.index for f in frames}) == 6
    assert np.allclose(frames[0].translation, 0)
    assert np.allclose(frames[1].translation, 0)
    assert np.allclose(
        [f.translation for f in frames], host.generate("turn*1", seed=1)[0].translation, atol=1e-6
    )


def test_the_same_prompt_again_changes_nothing(host):
    one, two = host.stream("walk", seed=3), host.stream("walk", seed=3)
    first = one.take(5)
    second = two.take(5)
    two.prompt = " walk "
    assert np.allclose([f.translation for f in first], [f.translation for f in second])
    assert np.allclose([f.translation for f in one.take(5)], [f.translation for f in two.take(5)])


def test_a_prompt_may_come_from_another_thread(host):
    stream = host.stream("walk")
    stream.take(3)
    other = threading.Thread(target=lambda: setattr(stream, "prompt", "turn"))
    other.start()
    other.join()
    assert next(stream).text == "turn"


def test_guidance_may_change_and_counts_from_the_next_primitive(host):
    from dartenv.errors import UsageFault

    stream = host.stream("walk", seed=1, guidance=1)
    plain = host.stream("walk", seed=1, guidance=1).take(10)
    before = stream.take(4)
    assert (stream.primitives, stream.left) == (1, 2)
    stream.guidance = 3
    after = stream.take(6)
    assert stream.guidance == 3
    for frame, same in zip([*before, *after[:2]], plain):
        assert np.allclose(frame.translation, same.translation)
    # The fake primitive's steps grow with guidance.
    assert not np.allclose(after[2].translation, plain[6].translation)
    assert (stream.primitives, stream.left) == (2, 0)
    with pytest.raises(UsageFault, match="guidance"):
        stream.guidance = -1


def test_a_known_text_does_not_wait_for_one_that_is_being_worked_out(host):
    known = host.embed("walk")
    with host.embed._lock:
        assert host.embed("walk") is known
