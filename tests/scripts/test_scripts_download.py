"""What is said before a download, and the limits of every look-up."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Iterator, List

import pytest
from _download import Download, megabytes, planned, reached, summary, with_sizes, within


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The URL of a server on this machine that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def wheel(name: str, url: str) -> dict:
    return {
        "download_info": {"url": url, "archive_info": {}},
        "metadata": {"name": name, "version": "1.0"},
    }


def test_a_plan_holds_archives_and_not_the_checkout() -> None:
    checkout = {
        "download_info": {"url": "file:///src", "dir_info": {"editable": True}},
        "metadata": {"name": "dartenv", "version": "0.1.0"},
    }
    text = json.dumps({"version": "1", "install": [wheel("numpy", "https://x/n.whl"), checkout]})
    assert planned(text) == [Download("numpy", "1.0", "https://x/n.whl", None)]
    assert planned('{"version": "1", "install": []}') == []


def test_the_size_of_an_archive_on_this_machine_is_its_files(tmp_path: Path) -> None:
    path = tmp_path / "torch 2.13+cpu 轮.whl"
    path.write_bytes(b"x" * 1234)
    gone = tmp_path / "gone.whl"
    sizes = with_sizes(
        [Download("torch", "1", path.as_uri(), None), Download("gone", "1", gone.as_uri(), None)]
    )
    assert [d.size for d in sizes] == [1234, None]


def test_a_silent_server_costs_the_limit_and_no_more(silent_server: str, no_proxy: None) -> None:
    start = time.monotonic()
    downloads = [Download("a", "1", silent_server + name, None) for name in "abcd"]
    assert [d.size for d in with_sizes(downloads, seconds=0.3)] == [None] * 4
    assert not reached(silent_server, seconds=0.3)
    assert time.monotonic() - start < 5


def test_a_refused_connection_is_not_reached(no_proxy: None) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert not reached(f"http://127.0.0.1:{port}/", seconds=5)


@pytest.mark.parametrize("url", ["", "nonsense", "https://", "ftp:/x"])
def test_what_is_no_url_is_not_reached(url: str) -> None:
    assert not reached(url, seconds=5)


def test_what_is_late_is_left_behind() -> None:
    done: List[str] = []
    start = time.monotonic()
    within(0.2, [lambda: time.sleep(20), lambda: done.append("quick")])
    assert done == ["quick"]
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("size", "text"),
    [(300_000, "0.3 MB"), (190_400_000, "190 MB"), (2_710_000_000, "2.7 GB")],
)
def test_sizes_read_as_people_say_them(size: int, text: str) -> None:
    assert megabytes(size) == text


def test_the_summary_names_the_largest_first_and_admits_what_it_does_not_know() -> None:
    downloads = [
        Download("small", "1", "u1", 1_000_000),
        Download("torch", "2.13.0", "u2", 2_000_000_000),
        Download("unknown", "3", "u3", None),
    ]
    text = summary(downloads)
    assert text.index("torch 2.13.0 2.0 GB") < text.index("small 1 1.0 MB")
    assert text.startswith("3 packages, at most 2.0 GB and 1 unknown")
    assert summary([]) == "nothing to download"
    assert summary([downloads[2]]) == "1 package, sizes unknown: unknown"
