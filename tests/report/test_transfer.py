"""Downloads on a terminal and elsewhere."""

from __future__ import annotations

import io
from typing import Any

import pytest

from dartenv.report.transfer import Bars, watching


def told(progress: Any) -> None:
    """The life of two downloads."""
    progress.start("a", "data/演示.pkl", 1_000_000)
    progress.total("a", 1_000_000, 400_000)
    progress.advance("a", 100_000)
    progress.retry("a", "the line broke", 2.0)
    progress.total("a", 1_000_000, 500_000)
    progress.advance("a", 500_000)
    progress.done("a")
    progress.start("b", "[b]x.zip", None)
    progress.total("b", None, 0)
    progress.done("b", "a web page came instead [of] the file")


def test_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    with watching(stream) as progress:
        told(progress)
    assert stream.getvalue().splitlines() == [
        "fetching  data/演示.pkl (1.0 MB)",
        "resuming  data/演示.pkl at 0.4 MB",
        "waiting   data/演示.pkl: the line broke; again in 2 s",
        "resuming  data/演示.pkl at 0.5 MB",
        "fetched   data/演示.pkl",
        "fetching  [b]x.zip",
        "failed    a web page came instead [of] the file",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "gbk"])
def test_bars_on_a_terminal_of_any_encoding(encoding: str) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    raw = io.BytesIO()
    stream = Terminal(raw, encoding=encoding)
    with watching(stream) as progress:
        assert isinstance(progress, Bars)
        told(progress)
        assert [task.completed for task in progress._display.tasks] == [1_000_000, 0]
    stream.flush()
    text = raw.getvalue().decode(encoding)
    assert "a web page came instead [of] the file" in text
