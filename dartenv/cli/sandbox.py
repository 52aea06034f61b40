"""``dartenv sandbox DIR``: a small DART-shaped project of our own, with DART's known faults."""

from __future__ import annotations

from pathlib import Path

import typer


def sandbox(
    folder: Path = typer.Argument(..., metavar="DIR", help="Where to write it; must be empty."),
) -> None:
    """Write the sandbox: doctor, fix and smoke show their whole effect on it."""
    import sys

    from dartenv.report.terminal import say
    from dartenv.sandbox.writer import write_sandbox

    info = write_sandbox(folder)
    say(f"sandbox written to {info.root}: {len(info.files)} files, not DART itself", sys.stdout)
    say(f"next: dartenv doctor --dart-root {info.root}", sys.stdout)
