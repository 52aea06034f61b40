"""The bounded runner: limits, leftovers, progress. Children wait on pipes, never on clocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import psutil
import pytest

from dartenv.smoke import runner
from dartenv.smoke.group import Group
from dartenv.smoke.progress import ProgressReader, Step, read_step
from dartenv.smoke.runner import Limits, run_bounded

# Waits for ever: nothing is ever written to this pipe, and its other end stays open.
WAIT = "import os; r, w = os.pipe(); print('waiting'); os.read(r, 1)"
CHILD = (
    "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {code!r}]); print(p.pid)"
)


def gone(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        process.wait(timeout=10)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return process.status() == psutil.STATUS_ZOMBIE
    return True


def test_an_ending_program_tells_its_status_and_output(bounded: Any, tmp_path: Path) -> None:
    outcome = bounded("import sys; print('hello 你好'.encode('utf-8')); sys.exit(3)")
    assert (outcome.end, outcome.rc, outcome.ok) == ("exit", 3, False)
    assert b"hello" in (tmp_path / "log").read_bytes()
    assert outcome.first_output is not None
    assert outcome.first_output <= outcome.seconds


def test_a_program_that_eats_memory_is_ended(bounded: Any) -> None:
    code = f"b = bytearray(300_000_000); b[::4096] = b'x' * len(b[::4096]); {WAIT}"
    outcome = bounded(code, memory=200_000_000)
    assert outcome.end == "memory"
    assert outcome.peak_memory > 200_000_000


def test_memory_of_children_counts(bounded: Any) -> None:
    eater = f"b = bytearray(300_000_000); b[::4096] = b'x' * len(b[::4096]); {WAIT}"
    outcome = bounded(CHILD.format(code=eater) + f"; {WAIT}", memory=200_000_000)
    assert outcome.end == "memory"


def test_grandchildren_do_not_outlive_a_program_that_ends(bounded: Any, tmp_path: Path) -> None:
    # The grandchild keeps our pipe open and would hold the reader for ever.
    outcome = bounded(CHILD.format(code=WAIT))
    assert outcome.ok
    pid = int((tmp_path / "log").read_text().split()[0])
    assert gone(pid)


def test_grandchildren_do_not_outlive_the_limit(
    bounded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"

    def clock() -> float:
        """Stands still until the program has said who its child is."""
        return 1e6 if log.exists() and log.read_bytes().endswith(b"\n") else 0.0

    monkeypatch.setattr(runner, "_now", clock)
    outcome = bounded(CHILD.format(code="import os; r, w = os.pipe(); os.read(r, 1)") + f"; {WAIT}")
    assert (outcome.end, outcome.rc, outcome.ok) == ("timeout", None, False)
    assert gone(int(log.read_text().split()[0]))


def test_ctrl_c_ends_the_program_and_goes_on(
    bounded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: List[int] = []

    def interrupted(self: Group) -> int:
        started.append(self.process.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(Group, "resident", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bounded(WAIT)
    assert gone(started[0])


def test_a_program_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    outcome = run_bounded(
        [str(tmp_path / "no such python")],
        cwd=str(tmp_path),
        env={},
        log=tmp_path / "log",
        limits=Limits(seconds=5.0, memory=10**9),
    )
    assert outcome.end == "not-started"
    assert "no such python" in outcome.reason


def test_progress_is_shown_while_the_program_runs(bounded: Any, tmp_path: Path) -> None:
    # The program goes on only when the callback has seen its first step.
    seen: List[Step] = []
    gate = tmp_path / "gate"
    code = (
        "import os, sys, time\n"
        "sys.stderr.write('\\r 33%|#  | 1/3 [00:01<00:02,  1.50s/it]')\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
        "sys.stderr.write('\\r100%|###| 3/3 [00:02<00:00,  2.00it/s]\\n')\n"
    )

    def progress(step: Step) -> None:
        seen.append(step)
        gate.touch()

    outcome = bounded(code, progress=progress)
    assert outcome.ok
    assert [(step.done, step.total) for step in seen][:1] == [(1, 3)]
    assert seen[-1] == Step(done=3, total=3, rate=2.0)
    assert outcome.step == seen[-1]
    assert outcome.first_step is not None


def test_a_callback_that_fails_leaves_nothing_running(bounded: Any, tmp_path: Path) -> None:
    def progress(step: Step) -> None:
        raise RuntimeError("a broken pipe, say")

    code = f"import os, sys; print(os.getpid()); sys.stderr.write('1/3 [00:01<00:02, 1.0it/s]\\n'); {WAIT}"
    with pytest.raises(RuntimeError, match="broken pipe"):
        bounded(code, progress=progress)
    assert gone(int((tmp_path / "log").read_text().split()[0]))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (" 45%|####5     | 9/20 [00:03<00:04,  2.50it/s]", Step(done=9, total=20, rate=2.5)),
        ("1/2 [00:07<00:07,  4.00s/it]", Step(done=1, total=2, rate=0.25)),
        ("0/3 [00:00<?, ?it/s]", Step(done=0, total=3, rate=None)),
        ("2/3 [00:01<00:00,  2.72it/s, loss=0.3]", Step(done=2, total=3, rate=2.72)),
        ("1/3 [0\r2/3 [00:01<00:00, 1.0it/s]\r3/3 [00:0", Step(done=2, total=3, rate=1.0)),
        ("100%|####| 338M/338M [00:12<00:00, 28.1MiB/s]", None),
        ("epoch 3/20 done", None),
    ],
)
def test_bars_are_read(text: str, wanted: Step) -> None:
    assert read_step(text) == wanted


def test_a_bar_cut_by_the_pipe_is_read_when_whole() -> None:
    reader = ProgressReader()
    assert not reader.feed(b"\r 50%|#| 1/2 [00:01<00")
    assert reader.feed(b":01,  4.00s/it]\r")
    assert reader.step == Step(done=1, total=2, rate=0.25)
    assert not reader.feed(b"and nothing new")


def test_a_step_knows_how_long_the_loop_took() -> None:
    assert Step(done=20, total=20, rate=4.0).seconds == 5.0
    assert Step(done=0, total=20).seconds is None
