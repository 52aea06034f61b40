"""Showing a long way as it is gone: a line a stage, and on a terminal what it is at."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Optional, TextIO

from dartenv.bootstrap.outcome import StageOutcome
from dartenv.fixes.events import Event, EventKind, OnEvent
from dartenv.fixes.steps import RunCommand, what
from dartenv.report.bootstrap import render_stage
from dartenv.report.terminal import write
from dartenv.smoke.result import SmokeResult

if TYPE_CHECKING:
    from rich.status import Status

_TAIL = 4096


class Watching:
    """Prints each stage when it ends; on a terminal, one more line that moves."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._status: Optional[Status] = None
        self._title = ""
        self._log: Optional[Path] = None
        self._since = time.monotonic()
        self._over = threading.Event()
        self.on_event: Optional[OnEvent] = self._event

    def __enter__(self) -> Watching:
        try:
            live = self._stream.isatty()
        except ValueError:
            live = False
        if live:
            from rich.console import Console

            self._status = Console(file=self._stream).status("")
            self._status.start()
            threading.Thread(target=self._follow, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._status is not None:
            self._status.stop()

    def begins(self, title: str) -> None:
        self._title, self._log, self._since = title, None, time.monotonic()

    def ended(self, stage: StageOutcome) -> None:
        write(render_stage(stage), self._stream)
        self._stream.flush()

    def smoked(self, result: SmokeResult) -> None:
        from dartenv.report.smoke import render_smoke

        if not result.passed:
            write(render_smoke([result]), self._stream)

    def smoking(self, text: str) -> None:
        self._title = text

    def _event(self, event: Event) -> None:
        if event.kind is not EventKind.STEP or event.step is None:
            return
        step = event.step
        if isinstance(step, RunCommand):
            if "--log" in step.argv:
                self._log = Path(step.argv[step.argv.index("--log") + 1])
            if self._status is None:
                write([[(f"  {what(step)}", "dim")]], self._stream)
                self._stream.flush()

    def _follow(self) -> None:
        while not self._over.wait(0.5):
            if self._status is not None:
                seconds = int(time.monotonic() - self._since)
                last = _last_line(self._log)
                text = f"{self._title}  {seconds} s"
                self._status.update(f"{text}  {last[:90]}" if last else text)


def _last_line(log: Optional[Path]) -> str:
    if log is None:
        return ""
    try:
        with log.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - _TAIL))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "").replace("[", "(")
