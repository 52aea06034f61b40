"""The JavaScript host against the Python runtime. Needs Node.js, and for motion npm ci in hosts/js."""

from __future__ import annotations

import gzip
import importlib.util
import json
import math
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
HOST = CHECKOUT / "hosts" / "js"
NODE = shutil.which("node")
MISSING = [n for n in ("numpy", "onnx", "onnxruntime") if importlib.util.find_spec(n) is None]


def _node_is_new():
    if NODE is None:
        return False
    asked = subprocess.run([NODE, "--version"], stdout=subprocess.PIPE, timeout=60)
    return int(asked.stdout.decode().lstrip("v").split(".")[0] or 0) >= 20


pytestmark = pytest.mark.skipif(not _node_is_new(), reason="needs Node.js 20 or newer")
with_runtime = pytest.mark.skipif(
    bool(MISSING) or not (HOST / "node_modules" / "onnxruntime-node").is_dir(),
    reason=f"needs npm ci in hosts/js{''.join(', ' + name for name in MISSING)}",
)


def ask(**question):
    done = subprocess.run(
        [NODE, str(CHECKOUT / "tests/hosts/driver.mjs"), HOST.as_posix()],
        input=json.dumps(question).encode("utf-8"),
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return json.loads(done.stdout.decode("utf-8"))


def test_small_parts_give_what_python_gives(tmp_path):
    from dartenv.bundle import hashed
    from dartenv.runtime.prompt import composed
    from dartenv.runtime.tokenizer import ClipTokenizer

    merges = ["w a", "l k</w>", "wa lk</w>", "t u", "r n</w>", "tu rn</w>", "å ľ", "' s</w>"]
    path = tmp_path / "bpe.txt.gz"
    text = "\n".join(["a header", *merges, "left out"])
    path.write_bytes(gzip.compress(text.encode("utf-8")))
    size = len(merges) + 514
    texts = [
        "",
        "Walk  and TURN",
        "it's 12 o'clock!!",
        "走 walk 走",
        "walk " * 9,
        "<|startoftext|>x",
    ]
    words = ["walks forward", "the jumping man", "", "bee's knees", "Été 走路 123_x", "is a"]
    joined = ["turn and jump", " b and a and c ", "walk", "", "é and z"]
    halves = [0, 1, 0x03FF, 0x0400, 0x3C00, 0xC000, 0x7BFF, 0x3555]
    found = ask(
        hashed=words,
        tokens=texts,
        vocabulary=text,
        spec={"size": size, "context": 9, "start_token": size - 2, "end_token": size - 1},
        composed=joined,
        halves=halves,
        seeds=[0, 1, 2**32 - 1],
        count=2001,
    )
    tokenizer = ClipTokenizer(path, size, 9)
    for text, made in zip(texts, found["tokens"]):
        if text.isascii():
            assert (made["ids"], made["cut"]) == tuple(tokenizer(text)), text
    # Not through ftfy, which need not be there and changes nothing here.
    assert found["tokens"][3]["ids"][1:-1] == [
        token for word in ("走", "walk", "走") for token in tokenizer._word(word)
    ]
    for text, made in zip(words, found["hashed"]):
        assert made == pytest.approx(hashed.embed(text, 64), abs=1e-6), text
    assert found["composed"] == [composed(text, "smplx") for text in joined]
    assert found["halves"] == [struct.unpack("<e", struct.pack("<H", bits))[0] for bits in halves]
    assert len({tuple(numbers) for numbers in found["noise"]}) == 3
    for numbers in found["noise"]:
        mean = sum(numbers) / len(numbers)
        spread = math.sqrt(sum((v - mean) ** 2 for v in numbers) / len(numbers))
        assert abs(mean) < 0.1  # four and a half standard errors
        assert abs(spread - 1) < 0.08


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(bundle, recorded): every precision, twelve primitives of the Python runtime. Not of int8, which is the
    same motion only where Python and Node.js have releases of ONNX Runtime that round alike."""
    import sys

    sys.path.insert(0, str(CHECKOUT / "scripts"))
    try:
        from _hosts import cases, record, sandbox_bundle
    finally:
        sys.path.pop(0)
    work = tmp_path_factory.mktemp("js 包")
    bundle = sandbox_bundle(work / "bundle")
    record(bundle, work / "recorded", cases(("fp64", "fp32", "fp16"), 12), 12)
    return bundle, work / "recorded"


def parity(*arguments):
    command = [NODE, "parity.mjs", *map(str, arguments)]
    return subprocess.run(command, cwd=str(HOST), capture_output=True, timeout=300)


@with_runtime
def test_the_same_noise_gives_the_same_motion(recorded):
    done = parity(*recorded, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(done.stdout.decode("utf-8"))
    assert len(rows) == 11
    for row in rows:
        assert row["frames"] == 96, row
        assert row["joints"] < 1e-4, row
        assert row["rotations"] < 1e-3, row


@with_runtime
def test_webassembly_gives_the_same_motion_and_refuses_int8(recorded, tmp_path):
    bundle, folder = recorded
    asked = tmp_path / "recorded"
    shutil.copytree(str(folder), str(asked))
    document = json.loads((asked / "parity.json").read_text(encoding="utf-8"))
    document["cases"].append({**document["cases"][1], "name": "int8", "precision": "int8"})
    (asked / "parity.json").write_text(json.dumps(document), encoding="utf-8")
    done = parity(bundle, asked, "--web", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout.decode("utf-8"))}
    assert len(rows) == 12
    refused = {name for name, row in rows.items() if "refused" in row}
    assert refused == {"int8"}
    for name in set(rows) - refused:
        assert rows[name]["joints"] < 1e-4, rows[name]
    # What is worked out in double is the same number whoever worked it out, prompts cut in or not.
    for name in ("fp64, portable", "fp64, prompts cut in", "fp64, body, prompts cut in"):
        assert rows[name]["joints"] < 1e-6, rows[name]
        assert rows[name]["rounding"] == 0


@with_runtime
def test_a_web_host_says_why_it_takes_no_int8_and_takes_another(recorded, tmp_path):
    bundle, _ = recorded
    found = ask(bundle=str(bundle), web=True, precision="int8", texts=[])["refused"]
    assert "int8 in onnxruntime-web" in found
    assert "another motion" in found
    assert "expected precision fp32 or fp16 or fp64" in found
    assert "dartenv export --precision" in found
    assert ask(bundle=str(bundle), precision="int8", texts=[])["precision"] == "int8"
    assert ask(bundle=str(bundle), web=True, texts=[])["precision"] == "fp32"

    document = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    for left, chosen in (({"fp16", "fp64", "int8"}, "fp16"), ({"fp64"}, "fp64")):
        for model in document["models"]:
            model["files"] = [f for f in model["files"] if f["precision"] in left]
        (tmp_path / "bundle.json").write_text(json.dumps(document), encoding="utf-8")
        assert ask(bundle=str(tmp_path), web=True, texts=[])["precision"] == chosen
    for model in document["models"]:
        model["files"] = []
    (tmp_path / "bundle.json").write_text(json.dumps(document), encoding="utf-8")
    found = ask(bundle=str(tmp_path), web=True, precision="int8", texts=[])["refused"]
    assert "a bundle with fp32, or fp16 at half the size" in found


@with_runtime
def test_motion_that_differs_is_said_to(recorded, tmp_path):
    """The comparison itself: other noise is another motion."""
    bundle, folder = recorded
    changed = tmp_path / "recorded"
    shutil.copytree(str(folder), str(changed))
    document = json.loads((changed / "parity.json").read_text(encoding="utf-8"))
    document["cases"] = document["cases"][:1]
    (changed / "parity.json").write_text(json.dumps(document), encoding="utf-8")
    noise = changed / document["cases"][0]["noise"]
    noise.write_bytes(noise.read_bytes()[4:] + b"\0\0\0\0")
    done = parity(bundle, changed, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout.decode("utf-8"))[0]["joints"] > 1e-3


@with_runtime
def test_a_changed_file_is_refused(recorded, tmp_path):
    bundle, _ = recorded
    changed = tmp_path / "bundle"
    shutil.copytree(str(bundle), str(changed))
    model = changed / "primitive.fp32.onnx"
    data = bytearray(model.read_bytes())
    data[-9] ^= 1
    model.write_bytes(bytes(data))
    done = parity(changed, recorded[1])
    assert done.returncode == 2
    assert "primitive.fp32.onnx" in done.stderr.decode("utf-8")
    assert "changed after export" in done.stderr.decode("utf-8")


@with_runtime
def test_texts_go_through_the_bundle_s_own_text_model(clip_bundle):
    from dartenv.runtime import load
    from dartenv.runtime.prompt import composed

    texts = ["walk", "turn and walk", "", "a much longer text than nine tokens hold"]
    found = ask(bundle=str(clip_bundle), texts=texts)
    assert "refused" not in found, found
    host = load(clip_bundle, threads=1)
    for text, made in zip(texts, found["embeddings"]):
        wanted = host.embed(composed(text, "smplx"))
        assert made == pytest.approx(wanted.tolist(), abs=1e-6), text


@pytest.fixture
def clip_bundle(tmp_path):
    """The runtime tests' tiny bundle with a text model and a vocabulary."""
    from tests.runtime.conftest import tiny

    return tiny.__wrapped__(tmp_path).folder
