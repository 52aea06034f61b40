"""The fault server, a clock that does not wait, and one file to fetch."""

from __future__ import annotations

import hashlib
import importlib.util
import random
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Iterator, List, Optional, Tuple

import pytest

from dartenv.fetch.download import Tools
from dartenv.fetch.fetcher import Fetcher
from dartenv.fetch.limits import Clock, Limits
from dartenv.fetch.progress import Progress
from dartenv.fetch.remote import Remote

HERE = Path(__file__).resolve().parent
BODY = random.Random(7).getrandbits(8 * 300_000).to_bytes(300_000, "little")


def _module(name: str) -> ModuleType:
    known = sys.modules.get(f"fetch_tests_{name}")
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(f"fetch_tests_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


server_module = _module("server")


class FakeClock(Clock):
    """Time passes only when it is waited for, or by ``tick`` seconds a look."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_700_000_000.0
        self.tick = 0.0
        self.waits: List[float] = []

    def monotonic(self) -> float:
        self.now += self.tick
        return self.now

    def time(self) -> float:
        return self.now

    def random(self) -> float:
        return 0.5

    def sleep(self, seconds: float) -> None:
        self.check()
        self.waits.append(seconds)
        self.now += seconds


class Bench:
    """One server, one download folder."""

    def __init__(self, folder: Path, server: Any) -> None:
        self.server = server
        self.clock = FakeClock()
        self.body = BODY
        # Real sockets, so this limit passes in real time: only the tests that stall wait for it.
        self.tools = Tools(limits=Limits(connect=5.0, read=5.0, margin=0), clock=self.clock)
        self.fetcher = Fetcher(folder / "下载 downloads", self.tools)

    def limits(self, **more: Any) -> None:
        self.tools.limits = replace(self.tools.limits, **more)

    def serve(self, name: str = "f.bin", **fault: Any) -> Any:
        fault.setdefault("body", self.body)
        self.server.files[name] = server_module.Fault(**fault)
        return self.server.files[name]

    def remote(self, name: str = "f.bin", known: bool = True, **more: Any) -> Remote:
        sha = hashlib.sha256(self.body).hexdigest()
        size: Tuple[Optional[int], Optional[str]] = (len(self.body), sha) if known else (None, None)
        fields = {"id": "one", "kind": "http", "url": self.server.url(name), "name": name}
        fields.update({"size": size[0], "sha256": size[1]}, **more)
        return Remote(**fields)

    def again(self) -> Fetcher:
        """The fetcher of the next run."""
        self.fetcher = Fetcher(self.fetcher.folder, self.tools, progress=Progress())
        return self.fetcher

    def left(self) -> List[str]:
        """What lies in the download folder."""
        return sorted(p.name for p in self.fetcher.folder.rglob("*") if p.is_file())


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with server_module.FaultServer() as server:
        yield Bench(tmp_path, server)


@pytest.fixture
def new_server() -> Callable[..., Any]:
    return server_module.FaultServer


@pytest.fixture
def pages() -> ModuleType:
    """The pages that stand for a file: QUOTA, LOGIN."""
    return server_module
