"""Killed, failing and full at every operation; scripts/crash_matrix.py does the killing."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from dartenv.errors import DartenvError
from dartenv.fixes.history import history
from dartenv.fixes.recover import recover

WINDOWS = os.name == "nt"


@pytest.fixture
def folder(tmp_path):
    """On a RAM disk where there is one: a kill does not care, and forced writes are quick."""
    memory = Path("/dev/shm").absolute()  # under Wine it has a drive
    if not os.access(str(memory), os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="dartenv-", dir=str(memory)) as made:
        yield Path(made)


# Each point is a process of its own; on Windows that is a whole start of Python, so fewer.
@pytest.mark.parametrize(
    ("mode", "every", "at_least"),
    [
        ("apply", 71 if WINDOWS else 1, 160),
        ("apply-three", 103 if WINDOWS else 7, 180),
        ("undo", 61 if WINDOWS else 3, 90),
        ("recover", 67 if WINDOWS else 7, 70),
    ],
)
def test_killed_anywhere_the_next_command_finds_or_makes_a_whole_state(
    crash, folder, mode, every, at_least
):
    first = every // 2 + 1
    result = crash.matrix(mode, folder, every, first, onwards=1 if WINDOWS else 9)
    assert result.losses == []
    assert (result.points + 1) * every >= at_least  # the run is as long as it is thought to be
    assert result.outcomes["old"] > 0
    if mode.startswith("apply"):
        assert result.outcomes["new"] > 0


@pytest.mark.parametrize("mode", ["apply", "undo"])
@pytest.mark.parametrize("lasting", [False, True])
def test_an_operation_that_fails_anywhere_ends_in_one_line_and_a_whole_state(
    crash, folder, mode, lasting
):
    """Once: any operation may fail. Lasting: from then on nothing more can be written."""
    needs_room = ("write", "copy", "append", "mkdir", "half", "rename")
    at, fired = (1 if mode == "apply" else 2), True
    while fired:
        place = crash.build(folder / f"{at}")
        old = crash.snapshot(place)
        plan = crash.make_plan(place.root, ("one", "two"))
        if mode == "undo":
            crash.act("apply", place, plan)
        count, fired = 0, False

        def hook(label, at=at):
            nonlocal count, fired
            count += 1
            if count == at or (lasting and count > at and label.startswith(needs_room)):
                fired = True
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        said = _said(crash, mode, place, plan, hook)
        assert "\n" not in said
        state = crash.judge(place, plan, old, onwards=at % 7 == 0)
        if fired and "no space left" not in said:  # only the last records were lost
            assert state == ("new" if mode == "apply" else "old"), at
        at += 53 if WINDOWS else 9 if lasting else 4
    assert at > 80


def _said(crash, mode, place, plan, hook):
    """Act; what came out of it in words."""
    try:
        report = crash.act(mode, place, plan, hook)
    except DartenvError as fault:
        return str(fault)
    return "; ".join(result.why for result in getattr(report, "results", ()))


def test_a_file_edited_after_the_crash_is_left_and_the_rest_goes_back(crash, folder):
    place = crash.build(folder)
    old = crash.snapshot(place)
    plan = crash.make_plan(place.root, ("one",))
    assert crash.run_child("apply", place, plan, 120, WINDOWS)
    mine = place.root / "mld" / "rollout_mld.py"
    assert mine.read_bytes() != crash.FILES["mld/rollout_mld.py"]
    mine.write_bytes(b"edited after the crash\n")
    (found,) = recover(place.state, hands=place.hands())
    assert len(found.left) == 1
    assert "rollout_mld.py" in found.left[0]
    backup = found.left[0].split("its original is ")[1].rstrip(")")
    assert Path(backup).read_bytes() == crash.FILES["mld/rollout_mld.py"]
    assert mine.read_bytes() == b"edited after the crash\n"
    now = crash.snapshot(place)
    assert {name for name in old if old[name] != now[name]} == {"mld/rollout_mld.py"}
    assert set(now) == set(old)
    assert recover(place.state, hands=place.hands()) == ()
    assert history(place.state)[0].left == found.left


def test_recovery_of_nothing_makes_nothing(tmp_path):
    assert recover(tmp_path / "none") == ()
    assert not (tmp_path / "none").exists()
