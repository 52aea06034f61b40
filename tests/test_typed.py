"""Structs that several threads meet for the first time."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from dartenv.typed import convert, from_json

# A crash ends the whole process: so in one of its own. Each round's structs are new to all threads.
RACE = """
import sys, threading
import msgspec
from dartenv.typed import convert, from_json

sys.setswitchinterval(1e-6)
for turn in range(60):
    inner = msgspec.defstruct("Inner", [(f"a{n}", int, n) for n in range(12)])
    kinds = [msgspec.defstruct(f"K{n}", [("one", inner), ("two", dict)]) for n in range(2)]
    gate = threading.Barrier(4)

    def read(n):
        gate.wait()
        data = {"one": {"a1": 5}, "two": {}}
        value = convert(data, kinds[n % 2])
        again = from_json(msgspec.json.encode(data), kinds[n % 2])
        assert value.one.a1 == again.one.a1 == 5 and value.one.a2 == 2

    threads = [threading.Thread(target=read, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("whole")
"""


def test_threads_do_not_end_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RACE],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, b"whole", b"")


def test_what_does_not_fit_is_msgspecs_own_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="int"):
        convert({"a": "x"}, msgspec.defstruct("S", [("a", int)]))
    with pytest.raises(msgspec.DecodeError):
        from_json(b"{", dict)
