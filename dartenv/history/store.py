"""The history on disk: SQLite, one file under the state folder.

A run is written twice: when it starts, so that a killed one is seen by the next, and when it
ends, with everything, in one transaction. SQLite's rollback journal (not WAL, which does not
work on network drives) with full synchronisation: a killed process or a full disk leaves the
file as it was before the transaction. Two writers wait for each other.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import msgspec

from dartenv.errors import DartenvError
from dartenv.history.model import (
    DONE,
    KILLED,
    RUNNING,
    FindingRow,
    Point,
    Recorded,
    Run,
)
from dartenv.history.schema import migrate
from dartenv.report.model import Metric

FILE_NAME = "history.sqlite"
WAIT = 30.0  # seconds that a writer waits for another
_RUN = "id, machine, profile, started_at, state, ended_at, exit_code, dartenv"


class HistoryFault(DartenvError):
    """The history cannot be read or written; what was in it stays."""


class History:
    """The runs of this state folder. Use as a context manager."""

    def __init__(self, path: Path, wait: float = WAIT) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HistoryFault(
                f"{path.parent}: {error.strerror}", "a folder for the history"
            ) from None
        with self._said():
            self._connection = sqlite3.connect(
                str(path), timeout=wait, isolation_level=None, check_same_thread=False
            )
            try:
                self._connection.execute("PRAGMA foreign_keys = ON")
                self._connection.execute("PRAGMA synchronous = FULL")
                migrate(self._connection, str(path))
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> History:
        return self

    def __exit__(self, *unused: object) -> None:
        self._connection.close()

    def begin(self, run: Run, pid: int, born: float) -> None:
        """Write that ``run`` has started in process ``pid``, born at ``born`` (epoch seconds)."""
        with self._writing() as write:
            write.execute(
                f"INSERT INTO runs ({_RUN}, pid, born) VALUES (?,?,?,?,?,?,?,?,?,?)",
                (*_row(run), pid, born),
            )

    def finish(self, recorded: Recorded) -> None:
        """Write the end of a run and all that it found, or nothing of it."""
        run = recorded.run
        with self._writing() as write:
            write.execute("DELETE FROM runs WHERE id = ?", (run.id,))
            write.execute(
                f"INSERT INTO runs ({_RUN}, report) VALUES (?,?,?,?,?,?,?,?,?)",
                (*_row(run), recorded.report),
            )
            write.executemany(
                "INSERT INTO findings VALUES (?,?,?,?,?)",
                [
                    (run.id, place, item.check, item.status, item.summary)
                    for place, item in enumerate(recorded.findings)
                ],
            )
            write.executemany(
                "INSERT INTO metrics (run, name, context, value, unit, better, min_change, floor) "
                "VALUES (?,?,?,?,?,?,?,?)",
                [
                    (run.id, m.name, m.context, m.value, m.unit, m.better, m.min_change, m.floor)
                    for m in recorded.metrics
                ],
            )
            write.executemany(
                "INSERT INTO facts VALUES (?,?,?)",
                [(run.id, name, value) for name, value in sorted(recorded.facts.items())],
            )

    def bury(self, alive: Dict[int, float]) -> List[Run]:
        """Mark running runs whose process is gone as killed, and tell which.

        ``alive`` maps the ids of living processes to their birth, so that another process under
        a dead one's number is not taken for it.
        """
        buried: List[Run] = []
        with self._writing() as write:
            rows = write.execute(
                f"SELECT {_RUN}, pid, born FROM runs WHERE state = ?", (RUNNING,)
            ).fetchall()
            for row in rows:
                pid, born = row[-2], row[-1]
                birth = alive.get(pid)
                if birth is not None and abs(birth - born) < 2.0:
                    continue
                write.execute("UPDATE runs SET state = ? WHERE id = ?", (KILLED, row[0]))
                buried.append(msgspec.structs.replace(_run(row[:-2]), state=KILLED))
        return buried

    def prune(self, before: str) -> int:
        """Remove runs that started before the time ``before``; answers how many."""
        with self._writing() as write:
            done = write.execute(
                "DELETE FROM runs WHERE started_at < ? AND state <> ?", (before, RUNNING)
            )
            return int(done.rowcount)

    def runs(self, machine: Optional[str] = None, profile: Optional[str] = None) -> List[Run]:
        """Runs, the oldest first."""
        where, values = _where(machine, profile)
        with self._said():
            rows = self._connection.execute(
                f"SELECT {_RUN} FROM runs {where} ORDER BY started_at, id", values
            ).fetchall()
        return [_run(row) for row in rows]

    def recorded(self, run_id: str) -> Recorded:
        """One run with all that was kept of it. Raises HistoryFault for an unknown id."""
        with self._said():
            ask = self._connection.execute
            row = ask(f"SELECT {_RUN}, report FROM runs WHERE id = ?", (run_id,)).fetchone()
            if row is None:
                raise HistoryFault(f"no run {run_id!r} in {self.path}", None, "dartenv history")
            findings = ask(
                "SELECT check_id, status, summary FROM findings WHERE run = ? ORDER BY place",
                (run_id,),
            ).fetchall()
            metrics = ask(
                "SELECT name, value, unit, better, context, min_change, floor FROM metrics "
                "WHERE run = ? ORDER BY name, context",
                (run_id,),
            ).fetchall()
            facts = ask("SELECT name, value FROM facts WHERE run = ?", (run_id,)).fetchall()
        return Recorded(
            run=_run(row[:-1]),
            findings=tuple(FindingRow(check=c, status=s, summary=t) for c, s, t in findings),
            metrics=tuple(
                Metric(name=n, value=v, unit=u, better=b, context=c, min_change=change, floor=floor)
                for n, v, u, b, c, change, floor in metrics
            ),
            facts=dict(facts),
            report=row[-1],
        )

    def series(self, name: str, context: str, machine: str, profile: str) -> List[Point]:
        """The values of a metric over the finished runs of one machine and profile."""
        with self._said():
            rows = self._connection.execute(
                "SELECT runs.id, runs.started_at, metrics.value FROM metrics "
                "JOIN runs ON runs.id = metrics.run "
                "WHERE metrics.name = ? AND metrics.context = ? AND runs.machine = ? "
                "AND runs.profile = ? AND runs.state = ? ORDER BY runs.started_at, runs.id",
                (name, context, machine, profile, DONE),
            ).fetchall()
        return [Point(run=r, started_at=t, value=v) for r, t, v in rows]

    def metric_names(self) -> List[Tuple[str, str, str, str]]:
        """Every (name, context, machine, profile) that has a value."""
        with self._said():
            rows = self._connection.execute(
                "SELECT DISTINCT metrics.name, metrics.context, runs.machine, runs.profile "
                "FROM metrics JOIN runs ON runs.id = metrics.run WHERE runs.state = ? "
                "ORDER BY 1, 2, 3, 4",
                (DONE,),
            ).fetchall()
        return [(n, c, m, p) for n, c, m, p in rows]

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Cursor]:
        """One transaction, whole or not at all."""
        with self._said():
            cursor = self._connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                # A full disk makes SQLite roll back by itself, and a second time is an error.
                if self._connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise
            finally:
                cursor.close()

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        """SQLite's errors as one clear line."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise HistoryFault(f"{self.path}: {error}", *_advice(str(error), self.path)) from None


def default_path(state: Path) -> Path:
    """The history of a state folder."""
    return state / FILE_NAME


def living() -> Dict[int, float]:
    """The processes of this machine: id -> birth, in seconds since the epoch."""
    import psutil

    found: Dict[int, float] = {}
    for process in psutil.process_iter():
        try:
            found[process.pid] = process.create_time()
        except psutil.Error:
            continue
    return found


def birth() -> float:
    """When this process was born, in seconds since the epoch."""
    import psutil

    return float(psutil.Process(os.getpid()).create_time())


def _advice(error: str, path: Path) -> Tuple[Optional[str], Optional[str]]:
    if "not a database" in error or "malformed" in error:
        return "an SQLite file written by dartenv nightly", f"move {path} away; a new one is made"
    if "locked" in error:
        return f"a file that no other program holds for over {WAIT:.0f} s", None
    if "full" in error:
        return "room on that drive; the history is as it was before", None
    return None, None


def _row(run: Run) -> Sequence[object]:
    return (
        run.id,
        run.machine,
        run.profile,
        run.started_at,
        run.state,
        run.ended_at,
        run.exit_code,
        run.dartenv,
    )


def _run(row: Sequence[object]) -> Run:
    names = [name.strip() for name in _RUN.split(",")]
    return msgspec.convert(dict(zip(names, row)), Run)


def _where(machine: Optional[str], profile: Optional[str]) -> Tuple[str, List[str]]:
    parts, values = [], []
    for name, value in (("machine", machine), ("profile", profile)):
        if value is not None:
            parts.append(f"{name} = ?")
            values.append(value)
    return ("WHERE " + " AND ".join(parts) if parts else "", values)
