"""Hashes in parallel, kept for files that have not changed, and first-seen ones."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Dict, List

import pytest

from dartenv.assets import hashing
from dartenv.assets.hashing import FirstSeen, FirstSeenStore, HashCache, Unhashed, hash_files

LONG_AGO = 1_500_000_000 * 10**9


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "状态" / "hashes.json"
        self.read: List[int] = []
        self.files: Dict[str, bytes] = {}

    def put(self, name: str, data: bytes, time: int = LONG_AGO) -> str:
        path = self.folder / name
        path.write_bytes(data)
        os.utime(str(path), ns=(time, time))
        self.files[str(path)] = data
        return str(path)

    def hashed(self) -> Dict[str, Any]:
        """Hashes of all files by a fresh process; every one is right or told."""
        self.read.clear()
        found = hash_files(list(self.files), HashCache(self.store), self.read.append)
        for path, value in found.items():
            if not isinstance(value, Unhashed):
                assert value == hashlib.sha256(Path(path).read_bytes()).hexdigest()
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_unchanged_files_are_not_read_again(bench: Bench) -> None:
    for number in range(20):
        bench.put(f"{number}.bin", os.urandom(5000 + number))
    bench.hashed()
    assert sum(bench.read) == sum(map(len, bench.files.values()))
    bench.hashed()
    assert bench.read == []


def test_another_size_time_or_file_is_hashed_anew(bench: Bench) -> None:
    path = bench.put("x.bin", b"one")
    bench.put("y.bin", b"other")
    bench.hashed()
    bench.put("x.bin", b"longer")
    bench.hashed()
    assert bench.read == [6]
    bench.put("x.bin", b"edited", LONG_AGO + 10**9)
    bench.hashed()
    assert bench.read == [6]
    # The same name, size and time, and yet another file: a checkout or a copy tool made it.
    bench.put("z.bin", b"edaced", LONG_AGO + 10**9)
    del bench.files[str(bench.folder / "z.bin")]
    (bench.folder / "z.bin").replace(path)
    bench.hashed()
    assert bench.read == [6]


def test_a_file_of_this_very_moment_is_not_trusted_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.put("x.bin", b"fresh", LONG_AGO)
    monkeypatch.setattr(hashing.time, "time_ns", lambda: LONG_AGO + 10**9)
    bench.hashed()
    bench.hashed()
    assert bench.read == [5]
    monkeypatch.setattr(hashing.time, "time_ns", lambda: LONG_AGO + 3 * 10**9)
    bench.hashed()
    bench.hashed()
    assert bench.read == []


def test_what_cannot_be_hashed_is_told(bench: Bench) -> None:
    bench.files[str(bench.folder)] = b""
    bench.files[str(bench.folder / "absent")] = b""
    found = bench.hashed()
    assert all(isinstance(value, Unhashed) for value in found.values())


@pytest.mark.parametrize("damage", [b"", b"{", b'{"schema": 9, "files": {}}', b"\xff\xfe"])
def test_a_damaged_store_only_costs_time(bench: Bench, damage: bytes) -> None:
    bench.put("x.bin", b"data")
    bench.hashed()
    bench.store.write_bytes(damage)
    bench.hashed()
    assert bench.read == [4]
    bench.hashed()
    assert bench.read == []


def test_a_store_that_cannot_be_written_stops_nothing(bench: Bench) -> None:
    bench.put("x.bin", b"data")
    bench.store = bench.folder / "x.bin" / "hashes.json"
    assert len(bench.hashed()) == 1


def test_the_first_hash_stays_the_first(tmp_path: Path) -> None:
    path = tmp_path / "state" / "first-seen.json"
    one, two = FirstSeen("a" * 64, 1, "2026-01-01"), FirstSeen("b" * 64, 2, "2026-02-02")
    FirstSeenStore(path).record({"stand": one})
    FirstSeenStore(path).record({"stand": two, "other": two})
    store = FirstSeenStore(path)
    assert (store.get("stand"), store.get("other"), store.get("none")) == (one, two, None)
    path.write_bytes(b"nonsense")
    assert FirstSeenStore(path).get("stand") is None
