"""The C++ core of unreal/DartMotion, built in one piece as Unreal's unity builds do. Needs g++.

scripts/core_matrix.sh builds it file by file with more compilers, under sanitizers and for Windows.
"""

from __future__ import annotations

import gzip
import importlib.util
import math
import os
import re
import shutil
import struct
import subprocess
import sys

import pytest

from tests.hosts.core import CHECKOUT, CORE, FIXTURES, PLUGIN, run

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None or os.name == "nt", reason="needs g++ on Linux"
)


def test_it_reproduces_recorded_frames(program):
    done = run(program, FIXTURES)
    said = done.stdout.decode("utf-8")
    assert done.returncode == 0, said
    assert "40 frames, 7 primitives" in said
    assert " 0 failed" in said


def test_a_motion_that_differs_fails(program, tmp_path):
    """The comparison itself: a frame that lies 1 mm elsewhere is found."""
    shutil.copy(str(FIXTURES / "bundle.json"), str(tmp_path))
    data = bytearray((FIXTURES / "core.rec").read_bytes())
    name = b"frames/translation"
    place = data.index(name) + len(name) + 4 + 8 + 4 * 3 * 20  # the twentieth frame's x
    (x,) = struct.unpack_from("<f", data, place)
    struct.pack_into("<f", data, place, x + 0.001)
    (tmp_path / "core.rec").write_bytes(bytes(data))
    done = run(program, tmp_path)
    assert done.returncode == 1
    assert b"worst.translation is 0.001" in done.stdout
    (tmp_path / "core.rec").write_bytes(bytes(data[:-1]))
    assert run(program, tmp_path).returncode == 2


def test_its_noise_is_the_javascript_host_s(program):
    from tests.hosts.test_js import _node_is_new, ask

    made = [float(line) for line in run(program, "noise", 7, 501).stdout.split()]
    assert len(made) == 501
    assert made == pytest.approx(defined(7, 501), abs=1e-6)
    if _node_is_new():
        assert ask(seeds=[7], count=501)["noise"][0] == pytest.approx(made, abs=1e-6)


def defined(seed, count):
    """Box and Muller's numbers out of xoshiro128++ after SplitMix32, by the definitions."""
    whole = 0xFFFFFFFF
    state = []
    for _ in range(4):
        seed = (seed + 0x9E3779B9) & whole
        z = ((seed ^ (seed >> 16)) * 0x85EBCA6B) & whole
        z = ((z ^ (z >> 13)) * 0xC2B2AE35) & whole
        state.append(z ^ (z >> 16))

    def turned(value, by):
        return ((value << by) | (value >> (32 - by))) & whole

    def uniform():
        a, b, c, d = state
        made = (turned((a + d) & whole, 7) + a) & whole
        c, d = c ^ a, d ^ b
        state[:] = [a ^ d, b ^ c, c ^ ((b << 9) & whole), turned(d, 11)]
        return (made + 0.5) / 2**32

    numbers = []
    while len(numbers) < count:
        radius, angle = math.sqrt(-2 * math.log(uniform())), 2 * math.pi * uniform()
        numbers += [radius * math.cos(angle), radius * math.sin(angle)]
    return numbers[:count]


def test_its_tokens_are_the_python_runtime_s(program, tmp_path):
    from dartenv.runtime.tokenizer import ClipTokenizer

    merges = ["w a", "l k</w>", "wa lk</w>", "t u", "r n</w>", "tu rn</w>", "' s</w>", "1 2"]
    text = "\n".join(["a header", *merges, "left out"])
    (tmp_path / "bpe.txt.gz").write_bytes(gzip.compress(text.encode("utf-8")))
    (tmp_path / "bpe.txt").write_bytes(text.encode("utf-8"))
    size = len(merges) + 514
    texts = [
        "walk",
        "Walk  and TURN",
        "it's 12 o'clock!!",
        "walk " * 9,
        "<|startoftext|>x",
        "",
        "'ll'S #$%",
    ]
    done = run(
        program,
        "tokens",
        tmp_path / "bpe.txt",
        size,
        9,
        stdin="\n".join([*texts, ""]).encode("ascii"),
    )
    found = [[int(token) for token in line.split()] for line in done.stdout.splitlines()]
    tokenizer = ClipTokenizer(tmp_path / "bpe.txt.gz", size, 9)
    assert found == [tokenizer(text).ids for text in texts]


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("numpy", "onnx", "onnxruntime")),
    reason="needs numpy, onnx and onnxruntime",
)
def test_the_recording_is_what_the_runtime_gives_today(tmp_path):
    """Inputs that the recording fixes and what the sandbox's bundle says of itself."""
    import json

    script = CHECKOUT / "scripts" / "record_core.py"
    done = subprocess.run(
        [sys.executable, str(script), "--out", str(tmp_path)], capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    old, new = ((folder / "core.rec").read_bytes() for folder in (FIXTURES, tmp_path))
    assert len(old) == len(new)
    for name in (b"frames/joints", b"frames/positions", b"bones/local"):
        place, other = old.index(name), new.index(name)
        assert place == other
        place += len(name) + 4 + 12
        one, two = (struct.unpack_from("<600f", data, place) for data in (old, new))
        assert one == pytest.approx(two, abs=1e-2), name  # another machine rounds otherwise
    documents = [
        json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
        for folder in (FIXTURES, tmp_path)
    ]
    for field in ("schema", "sizes", "schedules", "features", "skeleton", "start", "tokenizer"):
        assert documents[0][field] == documents[1][field], field


@pytest.mark.parametrize("minor", [3, 4])
def test_the_binding_is_cpp_and_calls_what_is_documented(minor, tmp_path):
    """Against declarations of the engine's interface, not an engine: see Tests/Declarations/Engine.h."""
    sources = sorted(PLUGIN.glob("Source/DartMotion*/Private/**/*.cpp"))
    binding = [path for path in sources if "DartMotionCore" not in path.parts]
    headers = sorted(PLUGIN.glob("Source/DartMotion*/Public/*.h"))
    assert len(binding) == 6
    assert len(headers) == 4
    for path in [*binding, *headers]:
        text = path.read_text(encoding="utf-8")
        # Every file of the binding says what it is; a module's one line needs no word.
        assert "Not compiled inside Unreal" in text or "IMPLEMENT_MODULE" in text, path
        for name in re.findall(r'#include "([^"]+)"', text):
            if not any(root.joinpath(name).is_file() for root in _roots(path)):
                stub = tmp_path / name
                stub.parent.mkdir(parents=True, exist_ok=True)
                # Unreal's own names, and what its header tool would generate.
                stub.write_text("" if "generated" in name else '#include "Engine.h"\n')
    include = {root for path in [*binding, *headers] for root in _roots(path)}
    include |= {tmp_path, PLUGIN / "Tests" / "Declarations"}
    whole = tmp_path / "binding.cpp"
    whole.write_text("".join(f'#include "{path}"\n' for path in binding), encoding="utf-8")
    command = ["g++", "-std=c++20", "-Wall", "-Werror", "-fsyntax-only", f"-DUNREAL_MINOR={minor}"]
    done = subprocess.run(
        [*command, *(f"-I{root}" for root in sorted(include)), str(whole)],
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")


def _roots(path):
    module = path.relative_to(PLUGIN / "Source").parts[0]
    return [
        path.parent,
        PLUGIN / "Source" / module / "Public",
        PLUGIN / "Source" / "DartMotion" / "Public",
        CORE / "Public",
    ]


def test_its_bones_of_the_mannequin_are_the_manifest_s():
    from dartenv.bundle.skeleton import BODY

    tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    text = (CHECKOUT / "manifests" / "compat" / "mannequin.toml").read_text(encoding="utf-8")
    rows = {row["smplx"]: row["unreal"] for row in tomllib.loads(text)["bones"]}
    source = (CORE / "Private" / "Retarget.cpp").read_text(encoding="utf-8")
    named = {joint: bone for bone, joint in re.findall(r'\{"(\w+)", "(\w+)"\}', source)}
    assert {joint: named.get(joint, joint) for joint in BODY} == {
        joint: rows[joint] for joint in BODY
    }


def test_the_plugin_s_modules_are_there():
    import json

    plugin = json.loads((PLUGIN / "DartMotion.uplugin").read_text(encoding="utf-8"))
    for module in plugin["Modules"]:
        name = module["Name"]
        build = (PLUGIN / "Source" / name / f"{name}.Build.cs").read_text(encoding="utf-8")
        assert f"class {name} : ModuleRules" in build
        assert any(
            f"IMPLEMENT_MODULE(FDefaultModuleImpl, {name})" in path.read_text(encoding="utf-8")
            for path in (PLUGIN / "Source" / name).glob("**/*.cpp")
        )
