"""The tables of the history, and how an older file becomes a current one.

The version stands in SQLite's ``user_version``. A migration runs in one transaction: a file is
at a version or at the next, never between.
"""

from __future__ import annotations

import sqlite3
from typing import Tuple

from dartenv.errors import UsageFault

# Each entry brings a file from the version before it to its own; the first starts from nothing.
MIGRATIONS: Tuple[Tuple[str, ...], ...] = (
    (
        """CREATE TABLE runs (
            id TEXT PRIMARY KEY, machine TEXT NOT NULL, profile TEXT NOT NULL,
            started_at TEXT NOT NULL, ended_at TEXT, state TEXT NOT NULL, exit_code INTEGER,
            dartenv TEXT NOT NULL, pid INTEGER, born REAL)""",
        "CREATE INDEX runs_by_machine ON runs (machine, profile, started_at)",
        """CREATE TABLE findings (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            place INTEGER NOT NULL, check_id TEXT NOT NULL, status TEXT NOT NULL,
            summary TEXT NOT NULL, PRIMARY KEY (run, place))""",
        """CREATE TABLE metrics (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            name TEXT NOT NULL, context TEXT NOT NULL, value REAL NOT NULL,
            unit TEXT NOT NULL, better TEXT NOT NULL, PRIMARY KEY (run, name, context))""",
        "CREATE INDEX metrics_by_name ON metrics (name, context)",
        """CREATE TABLE facts (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run, name))""",
    ),
    (
        # The whole report, so that a page can be made again long after the run.
        "ALTER TABLE runs ADD COLUMN report BLOB",
        "ALTER TABLE metrics ADD COLUMN min_change REAL NOT NULL DEFAULT 0.1",
        "ALTER TABLE metrics ADD COLUMN floor REAL NOT NULL DEFAULT 0",
    ),
)
VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring the file to ``VERSION``. Raises UsageFault for a file of a newer dartenv."""
    found = version_of(connection)
    if found == VERSION:
        return
    # Two that open an old file at once: the second waits here and finds it done.
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = version_of(connection)
        if found > VERSION:
            raise UsageFault(
                f"{path}: a history of version {found}",
                f"version {VERSION} or older, which this dartenv reads",
                "pip install --upgrade dartenv",
            )
        for number in range(found, VERSION):
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """The version that the file says it has; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
