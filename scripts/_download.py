"""What pip is about to download, and whether an index answers: every look-up has a limit."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, url2pathname, urlopen

PROBE_SECONDS = 5.0


class Download(NamedTuple):
    """One archive that pip would install; ``size`` in bytes, None where nobody said."""

    name: str
    version: str
    url: str
    size: Optional[int]


def within(seconds: float, jobs: Sequence[Callable[[], None]]) -> None:
    """Runs ``jobs`` side by side and returns after ``seconds`` at most.

    Threads, because a name look-up has no time limit of its own; what is late is left behind.
    """
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))


def reached(url: str, seconds: float = PROBE_SECONDS) -> bool:
    """Whether ``url`` answers in time. Any answer of a server counts, a refusal does not."""
    answers: List[bool] = []

    def ask() -> None:
        try:
            with urlopen(Request(url, method="HEAD"), timeout=seconds) as reply:
                answers.append(200 <= reply.status < 400)
        except HTTPError as error:
            # Some servers refuse HEAD and would answer GET.
            answers.append(error.code == 405)
        except (OSError, ValueError):
            answers.append(False)

    within(seconds, [ask])
    return answers == [True]


def planned(report_text: str) -> List[Download]:
    """The archives of a ``pip install --dry-run --report`` document, folders left out."""
    found: List[Download] = []
    for item in json.loads(report_text).get("install", []):
        info, about = item.get("download_info", {}), item.get("metadata", {})
        if "archive_info" in info:
            found.append(
                Download(about.get("name", "?"), about.get("version", "?"), info["url"], None)
            )
    return found


def with_sizes(downloads: Sequence[Download], seconds: float = 10.0) -> List[Download]:
    """The same downloads with the sizes that their servers tell within ``seconds``."""
    sizes: Dict[str, int] = {}

    def asker(url: str) -> Callable[[], None]:
        def ask() -> None:
            try:
                if url.startswith("file:"):
                    sizes[url] = Path(url2pathname(urlsplit(url).path)).stat().st_size
                else:
                    with urlopen(Request(url, method="HEAD"), timeout=seconds) as reply:
                        sizes[url] = int(reply.headers["Content-Length"])
            except (OSError, ValueError, TypeError, KeyError):
                pass

        return ask

    within(seconds, [asker(download.url) for download in downloads])
    return [download._replace(size=sizes.get(download.url)) for download in downloads]


def megabytes(size: int) -> str:
    """``size`` in bytes as people read it: ``0.3 MB``, ``190 MB``, ``2.7 GB``."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e7 else f"{size / 1e6:.1f} MB"


def summary(downloads: Sequence[Download], shown: int = 4) -> str:
    """One line: how many, how much, and the largest by name."""
    if not downloads:
        return "nothing to download"
    known = sorted((d for d in downloads if d.size), key=lambda d: -(d.size or 0))
    total = sum(d.size or 0 for d in known)
    count = f"{len(downloads)} package" + ("s" if len(downloads) != 1 else "")
    if not known:
        return f"{count}, sizes unknown: " + ", ".join(d.name for d in downloads[:shown])
    more = "" if len(known) == len(downloads) else f" and {len(downloads) - len(known)} unknown"
    largest = ", ".join(f"{d.name} {d.version} {megabytes(d.size or 0)}" for d in known[:shown])
    rest = ", ..." if len(downloads) > shown else ""
    return f"{count}, at most {megabytes(total)}{more}: {largest}{rest}"
