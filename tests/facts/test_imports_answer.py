"""What a process of deep imports left behind is read right, however it ended."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any, Dict, List

import msgspec
import pytest

from dartenv.facts.imports_answer import read_answers, unfinished
from dartenv.facts.interpreter import script_path
from dartenv.facts.runner import Completed

WINDOWS = os.name == "nt"


def answer(*lines: Dict[str, Any], imports: str = "") -> bytes:
    told = b"".join(b"<<dartenv " + msgspec.json.encode(line) + b">>\n" for line in lines)
    return told + imports.encode()


WINDOWS_CRASH = """
<<dartenv step imports.pytorch3d:compiled>>
a warning
Windows fatal exception: access violation

Thread 0x000014d0 (most recent call first):
  File "D:\\envs\\dart\\lib\\threading.py", line 302 in wait

Current thread 0x00001b2c (most recent call first):
  File "<frozen importlib._bootstrap>", line 219 in _call_with_frames_removed
  File "<frozen importlib._bootstrap_external>", line 1166 in create_module
  File "D:\\envs\\dart\\lib\\site-packages\\pytorch3d\\x.py", line 3 in <module>
  File "D:\\x\\dartenv\\facts\\inside_run.py", line 120 in step
"""


def test_a_compiled_module_that_crashes_is_the_last_import_that_began() -> None:
    begin = {"kind": "begin", "name": "imports.pytorch3d:compiled"}
    out = answer({"kind": "path", "path": ["D:\\envs\\dart\\lib\\site-packages"]}, begin)
    done = Completed([], 0xC0000005, out + b"<<pytorch3d._C>>\n", WINDOWS_CRASH.encode())
    lost = unfinished(read_answers(done), done, 60)
    assert lost is not None
    assert (lost.outcome, lost.module) == ("crash", "pytorch3d._C")
    assert "access violation (0xC0000005)" in (lost.error or "")
    assert lost.details["stderr"] == "a warning"


def test_python_code_that_crashes_is_found_by_its_file_on_windows() -> None:
    words = WINDOWS_CRASH.replace(
        '  File "<frozen importlib._bootstrap>", line 219 in _call_with_frames_removed\n'
        '  File "<frozen importlib._bootstrap_external>", line 1166 in create_module\n',
        "",
    )
    begin = {"kind": "begin", "name": "imports.pytorch3d:compiled"}
    out = answer({"kind": "path", "path": ["d:\\envs\\dart\\Lib\\site-packages", "D:\\"]}, begin)
    done = Completed([], 0xC0000005, out + b"<<other>>\n", words.encode())
    lost = unfinished(read_answers(done), done, 60)
    assert lost is not None
    assert lost.module == "pytorch3d.x"


def test_a_process_killed_at_its_cap_is_a_hang() -> None:
    begin = {"kind": "begin", "name": "imports.torch"}
    done = Completed([], None, answer(begin) + b"<<torch._C>>\n", failure="timeout", seconds=60)
    lost = unfinished(read_answers(done), done, 60)
    assert lost is not None
    assert (lost.outcome, lost.module) == ("timeout", "torch._C")


def test_a_garbled_channel_loses_one_line_only() -> None:
    good = {"kind": "result", "name": "imports.torch", "ok": True, "outcome": "ok"}
    out = b"<<dartenv {cut\n<<dartenv {oops}>>\n<<dartenv {}>>\n" + answer(good, {"kind": "end"})
    answers = read_answers(Completed([], 0, out))
    assert answers.names == ("imports.torch",)
    assert answers.ended


def test_the_library_that_linux_cannot_find_is_named() -> None:
    name = "ort.providers:CUDAExecutionProvider"
    failed = {"kind": "result", "name": name, "ok": False, "outcome": "error", "error": "no"}
    words = (
        f"<<dartenv step {name}>>\n\x1b[1;31mFailed to load library libx.so with error:"
        " libcublasLt.so.11: cannot open shared object file: No such file\x1b[m\n"
        "<<dartenv step other>>\nlibother.so.1: cannot open shared object file\n"
    )
    (result,) = read_answers(Completed([], 0, answer(failed), words.encode())).results
    assert result.details["missing_dll"] == "libcublasLt.so.11"
    assert "\x1b" not in result.details["stderr"]


def pe_file(*libraries: str) -> bytes:
    """A 64-bit PE image with one section, which holds an import table."""
    base, raw = 0x1000, 0x200
    table = 20 * (len(libraries) + 1)
    names: List[int] = []
    text = b""
    for library in libraries:
        names.append(base + table + len(text))
        text += library.encode() + b"\0"
    entries = b"".join(struct.pack("<5I", 1, 0, 0, name, 1) for name in names) + bytes(20)
    optional = struct.pack("<H", 0x20B) + bytes(110) + struct.pack("<4I", 0, 0, base, table)
    optional += bytes(240 - len(optional))
    header = b"PE\0\0" + struct.pack("<2H3I2H", 0x8664, 1, 0, 0, 0, len(optional), 0x2022)
    section = b".rdata\0\0" + struct.pack("<4I", 0x1000, base, 0x200, raw) + bytes(16)
    start = b"MZ" + bytes(58) + struct.pack("<I", 64)
    head = start + header + optional + section
    return head + bytes(raw - len(head)) + entries + text


def inside_run() -> Dict[str, Any]:
    names: Dict[str, Any] = {"__name__": "dartenv_inside"}
    path = script_path("inside_run.py")
    exec(compile(path.read_bytes(), str(path), "exec"), names)
    return names


def test_the_libraries_a_dll_needs_are_read_from_its_import_table(tmp_path: Path) -> None:
    file = tmp_path / "提供者.dll"
    file.write_bytes(pe_file("cudnn64_8.dll", "KERNEL32.dll"))
    read = inside_run()["imported_libraries"]
    assert read(str(file)) == ["cudnn64_8.dll", "KERNEL32.dll"]
    for data in (b"", b"MZ", b"\x7fELF" + bytes(100), pe_file("x.dll")[:300]):
        file.write_bytes(data)
        with pytest.raises((ValueError, IndexError, struct.error)):
            read(str(file))


@pytest.mark.skipif(not WINDOWS, reason="loads Windows libraries")
def test_the_library_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    file = tmp_path / "provider.dll"
    file.write_bytes(pe_file("KERNEL32.dll", "cudnn64_8_not_there.dll"))
    assert inside_run()["missing_libraries"](str(file)) == ["cudnn64_8_not_there.dll"]
