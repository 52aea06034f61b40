"""The history on disk: whole or unchanged, whatever happens."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import msgspec
import pytest

from dartenv.errors import UsageFault
from dartenv.history.model import DONE, KILLED, RUNNING, FindingRow, Recorded, Run
from dartenv.history.schema import MIGRATIONS, VERSION
from dartenv.history.store import History, HistoryFault
from dartenv.report.model import Metric

RUN = Run(
    id="r1", machine="李明-PC", profile="windows-cu118", started_at="2026-11-01T02:00:00+00:00"
)
FPS = Metric(
    name="smoke.rollout.fps", value=51.0, unit="frames/s", better="higher", context="quick"
)


def full(run: Run = RUN, value: float = 51.0) -> Recorded:
    return Recorded(
        run=msgspec.structs.replace(run, state=DONE, exit_code=0, ended_at=run.started_at),
        findings=(FindingRow(check="gpu.driver", status="ok", summary="driver 551.61"),),
        metrics=(msgspec.structs.replace(FPS, value=value),),
        facts={"driver": "551.61", "package torch": "2.4.1+cu118"},
        report=b"{}",
    )


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    with History(tmp_path / "h.sqlite") as history:
        history.begin(RUN, 4711, 100.0)
        assert [run.state for run in history.runs()] == [RUNNING]
        history.finish(full())
    with History(tmp_path / "h.sqlite") as history:
        assert history.recorded("r1") == full()
        points = history.series("smoke.rollout.fps", "quick", RUN.machine, RUN.profile)
        assert [(p.run, p.value) for p in points] == [("r1", 51.0)]
        assert history.series("smoke.rollout.fps", "full", RUN.machine, RUN.profile) == []


def test_a_run_whose_process_is_gone_was_killed(tmp_path: Path) -> None:
    with History(tmp_path / "h.sqlite") as history:
        history.begin(RUN, 10, 1000.0)
        history.begin(msgspec.structs.replace(RUN, id="r2"), 11, 1000.0)
        history.begin(msgspec.structs.replace(RUN, id="r3"), 12, 1000.0)
        # 10 is gone, 11 is another process under the same number, 12 still runs.
        buried = history.bury({11: 5000.0, 12: 1000.5})
        assert [run.id for run in buried] == ["r1", "r2"]
        assert {run.id: run.state for run in history.runs()} == {
            "r1": KILLED,
            "r2": KILLED,
            "r3": RUNNING,
        }
        assert history.bury({12: 1000.5}) == []


def test_a_file_of_the_first_version_is_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    old = sqlite3.connect(str(path))
    for statement in MIGRATIONS[0]:
        old.execute(statement)
    old.execute(
        "INSERT INTO runs VALUES ('r0','m','p','2026-01-01','2026-01-01','done',0,'0.1',1,2.0)"
    )
    old.execute("INSERT INTO metrics VALUES ('r0','fps','', 40.0,'frames/s','higher')")
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()
    with History(path) as history:
        assert history.recorded("r0").metrics[0].value == 40.0
        assert history.recorded("r0").report is None
        history.finish(full())
    assert sqlite3.connect(str(path)).execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    newer = sqlite3.connect(str(path))
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.commit()
    newer.close()
    before = path.read_bytes()
    with pytest.raises(UsageFault, match=f"version {VERSION + 1}"):
        History(path)
    assert path.read_bytes() == before


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    path.write_bytes(b"<html>quota</html>" * 100)
    with pytest.raises(HistoryFault, match=r"move .* away"):
        History(path)
    assert path.read_bytes().startswith(b"<html>")


def test_a_full_disk_leaves_the_history_as_it_was(tmp_path: Path) -> None:
    with History(tmp_path / "h.sqlite") as history:
        history.finish(full())
        pages = history._connection.execute("PRAGMA page_count").fetchone()[0]
        history._connection.execute(f"PRAGMA max_page_count = {pages}")
        big = msgspec.structs.replace(
            full(msgspec.structs.replace(RUN, id="r2")), report=b"x" * 1_000_000
        )
        with pytest.raises(HistoryFault, match="as it was before"):
            history.finish(big)
        assert [run.id for run in history.runs()] == ["r1"]
        history._connection.execute("PRAGMA max_page_count = 100000")
        history.finish(big)
        assert [run.id for run in history.runs()] == ["r1", "r2"]


def write_many(path: str, name: str, count: int) -> None:
    with History(Path(path)) as history:
        for number in range(count):
            history.finish(full(msgspec.structs.replace(RUN, id=f"{name}-{number}")))


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "h.sqlite")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(path, n, 15)) for n in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    with History(Path(path)) as history:
        assert len(history.runs()) == 30
        assert len(history.series(FPS.name, "quick", RUN.machine, RUN.profile)) == 30


def test_old_runs_go_and_running_ones_stay(tmp_path: Path) -> None:
    with History(tmp_path / "h.sqlite") as history:
        history.finish(full())
        history.begin(msgspec.structs.replace(RUN, id="r2"), 1, 1.0)
        newer = msgspec.structs.replace(RUN, id="r3", started_at="2026-11-20T02:00:00+00:00")
        history.finish(full(newer))
        assert history.prune("2026-11-10") == 1
        assert [run.id for run in history.runs()] == ["r2", "r3"]
        assert history.series(FPS.name, "quick", RUN.machine, RUN.profile)[0].run == "r3"
