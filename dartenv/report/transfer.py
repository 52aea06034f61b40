"""Downloads as they come: one display for all of them on a terminal, lines elsewhere."""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Dict, Iterator, Optional, TextIO

from dartenv.fetch.progress import Progress
from dartenv.fetch.remote import megabytes
from dartenv.report.terminal import encodable, say


class Lines(Progress):
    """A line when a download begins, is tried again, and ends."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._names: Dict[str, str] = {}
        self._lock = threading.Lock()

    def _say(self, text: str) -> None:
        with self._lock:
            say(text, self._stream)

    def start(self, key: str, name: str, total: Optional[int]) -> None:
        self._names[key] = name
        self._say(f"fetching  {name}" + (f" ({megabytes(total)})" if total else ""))

    def total(self, key: str, total: Optional[int], have: int) -> None:
        if have:
            self._say(f"resuming  {self._names.get(key, key)} at {megabytes(have)}")

    def retry(self, key: str, why: str, wait: float) -> None:
        self._say(f"waiting   {self._names.get(key, key)}: {why}; again in {wait:.0f} s")

    def done(self, key: str, why: Optional[str] = None) -> None:
        if why is None:
            self._say(f"fetched   {self._names.get(key, key)}")
        else:
            self._say(f"failed    {why}")


class Bars(Progress):
    """One bar a download, with speed and what is left."""

    def __init__(self, display: Any, encoding: str) -> None:
        self._display = display
        self._encoding = encoding
        self._tasks: Dict[str, Any] = {}
        self._names: Dict[str, str] = {}

    def start(self, key: str, name: str, total: Optional[int]) -> None:
        self._names[key] = encodable(name.rsplit("/", 1)[-1], self._encoding)
        self._tasks[key] = self._display.add_task(self._names[key], total=total)

    def total(self, key: str, total: Optional[int], have: int) -> None:
        if key in self._tasks:
            self._display.update(
                self._tasks[key], total=total, completed=have, description=self._names[key]
            )

    def advance(self, key: str, count: int) -> None:
        if key in self._tasks:
            self._display.advance(self._tasks[key], count)

    def retry(self, key: str, why: str, wait: float) -> None:
        if key in self._tasks:
            text = encodable(f"{self._names[key]}: again in {wait:.0f} s", self._encoding)
            self._display.update(self._tasks[key], description=text)

    def done(self, key: str, why: Optional[str] = None) -> None:
        if key not in self._tasks:
            return
        if why is None:
            self._display.update(self._tasks[key], description=self._names[key])
            return
        self._display.stop_task(self._tasks[key])
        self._display.update(self._tasks[key], description=f"{self._names[key]}: failed")
        self._display.console.print(encodable(why, self._encoding), markup=False, highlight=False)


@contextlib.contextmanager
def watching(stream: TextIO) -> Iterator[Progress]:
    """Whoever shows downloads on ``stream`` best."""
    try:
        terminal = stream.isatty()
    except ValueError:
        terminal = False
    if not terminal:
        yield Lines(stream)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Display

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Display(*columns, console=Console(file=stream), expand=False) as display:
        yield Bars(display, getattr(stream, "encoding", None) or "utf-8")
