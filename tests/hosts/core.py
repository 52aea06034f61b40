"""The C++ core and its tests, built as Unreal's unity builds are: each in one piece."""

from __future__ import annotations

import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PLUGIN = CHECKOUT / "unreal" / "DartMotion"
CORE = PLUGIN / "Source" / "DartMotionCore"
FIXTURES = CHECKOUT / "tests" / "fixtures" / "hosts"
WARNINGS = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


def compile_(sources, out, *flags):
    """Compile one file that includes all of ``sources``."""
    whole = out.with_suffix(".cpp")
    whole.write_text("".join(f'#include "{path}"\n' for path in sources), encoding="utf-8")
    command = ["g++", *WARNINGS, "-O0", *flags, f"-I{CORE / 'Public'}", f"-I{PLUGIN / 'Tests'}"]
    done = subprocess.run(
        [*command, "-c", str(whole), "-o", str(out)], capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return out


def build(folder):
    """core_tests, the core built as Unreal builds modules: without exceptions and type information."""
    core = compile_(
        sorted((CORE / "Private").glob("*.cpp")),
        folder / "core.o",
        "-fno-exceptions",
        "-fno-rtti",
    )
    names = ("Main", "Recording", "Basics", "Replay", "Playing")
    tests = compile_([PLUGIN / "Tests" / f"{name}.cpp" for name in names], folder / "tests.o")
    made = folder / "core_tests"
    command = ["g++", str(core), str(tests), "-o", str(made), "-pthread"]
    done = subprocess.run(command, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return made


def run(program, *arguments, stdin=b""):
    return subprocess.run(
        [str(program), *map(str, arguments)], input=stdin, capture_output=True, timeout=120
    )
