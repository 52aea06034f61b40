from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from dartenv.errors import UsageFault
from dartenv.fixes.lock import Holder, Locked, hold, state_folder

HOLD = """
import os
import sys
from pathlib import Path
from dartenv.fixes.lock import hold
with hold(Path(sys.argv[1]), "dartenv fix --yes"):
    print("held", os.getpid(), flush=True)
    sys.stdin.read()
"""


def test_a_second_process_says_who_is_at_work_and_changes_nothing(bench):
    path = bench.put("a", b"1")
    step = bench.edit(path, b"2")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(bench.state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().split()[0] == b"held"
    try:
        with pytest.raises(Locked) as caught:
            bench.apply(step, lock_wait=0.1)
    finally:
        holder.communicate()
    said = str(caught.value)
    assert "`dartenv fix --yes`" in said
    assert caught.value.holder is not None
    assert str(caught.value.holder.pid) in said
    assert path.read_bytes() == b"1"
    bench.apply(step, lock_wait=30)  # it has ended by now
    assert path.read_bytes() == b"2"


def test_a_killed_holder_holds_nothing(bench):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(bench.state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    pid = int(holder.stdout.readline().split()[1])
    os.kill(pid, signal.SIGTERM)  # its own: a virtual environment's python may be a launcher
    holder.communicate()
    assert (bench.state / "lock.json").exists()
    with hold(bench.state, "second", wait=30):
        info = msgspec.json.decode((bench.state / "lock.json").read_bytes(), type=Holder)
    assert (info.command, info.pid) == ("second", os.getpid())


def test_it_nests_in_one_thread_and_not_across_threads(tmp_path):
    caught = []

    def other():
        try:
            with hold(tmp_path, "other", wait=0.05):
                caught.append(None)
        except Locked as locked:
            caught.append(locked)

    with hold(tmp_path, "outer"), hold(tmp_path, "inner"):
        pass
    with hold(tmp_path, "outer"):
        with hold(tmp_path, "inner"):
            pass
        thread = threading.Thread(target=other)  # the inner one's end did not open it
        thread.start()
        thread.join()
    assert isinstance(caught[0], Locked)
    assert caught[0].holder.command == "outer"


def test_a_broken_holder_file_only_makes_the_message_poorer(tmp_path):
    assert "another dartenv" in str(Locked(tmp_path, None))


def test_where_the_state_lives():
    assert state_folder("x", {}) == Path("x").absolute()
    assert state_folder(None, {"DARTENV_STATE_DIR": "y"}) == Path("y").absolute()
    assert state_folder("x", {"DARTENV_STATE_DIR": "y"}) == Path("x").absolute()
    assert state_folder(None, {}).name == "dartenv"


def test_a_state_folder_below_a_file_is_wrong_usage(tmp_path):
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(UsageFault, match="DARTENV_STATE_DIR"), hold(tmp_path / "f" / "s", "x"):
        pass
