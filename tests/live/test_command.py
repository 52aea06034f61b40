"""The command as it is typed."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("numpy")
PROJECT = Path(__file__).resolve().parents[2] / "dartenv" / "sandbox" / "project"


@pytest.fixture
def typed(monkeypatch, capsys, host):
    """Run the command with these words on a fake host; (exit code, stdout, stderr)."""
    import dartenv.runtime.host
    from dartenv.cli import app
    from dartenv.cli.ending import run

    def call(*words):
        from functools import partial

        code = run(partial(app.assemble(), ["live", *words]))
        return (code, *capsys.readouterr())

    call.real = dartenv.runtime.host.load
    monkeypatch.setattr(dartenv.runtime.host, "load", lambda *_, **__: host)
    call.undo = monkeypatch.undo
    return call


def test_it_runs_says_where_and_sums_up(typed, tmp_path):
    pytest.importorskip("websockets")
    stats = tmp_path / "figures.json"
    code, out, err = typed(
        *("--bundle", "B", "--for", "1.5", "--udp", "9", "--udp", "192.0.2.1:9"),
        *("--bvh-tcp", "0", "--no-open", "--stats", str(stats)),
    )
    assert code == 0
    assert "http://127.0.0.1:" in err
    assert "#token=" in err
    assert "subject dartenv-sandbox" in err
    assert "192.0.2.1:9  JSONLiveLink, subject dartenv-sandbox; leaves this machine" in err
    assert "127.0.0.1:9  JSONLiveLink, subject dartenv-sandbox\n" in err
    assert "sandbox: a test's" in err
    assert "sandbox: a test's" in out
    assert "frames in" in out
    assert "token" not in out
    document = json.loads(stats.read_text(encoding="utf-8"))
    assert document["frames"] > 5
    assert document["label"] == "sandbox: a test's"
    assert "token" not in json.dumps(document)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--udp", "nowhere"), "HOST:PORT"),
        (("--prompt", "walk*4"), "counts primitives"),
        (("--guidance", "-1"), "guidance"),
        (("--port", "70000"), "65535"),
        (("--bvh-tcp", "-1"), "65535"),
        (("--for", "0"), "--for"),
        (("--precision", "fp8"), "fp32"),
        (("--udp-form", "array"), "list, object"),
        (("--stats", "no/such/folder/x.json"), "folder"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(typed, words, said):
    pytest.importorskip("websockets")
    code, out, err = typed("--bundle", "B", "--no-open", *words)
    assert code == 2
    assert said in err
    assert len(err.splitlines()) == 1
    assert out == ""


def test_a_fault_of_the_runtime_ends_it_in_one_line(typed, host):
    from dartenv.errors import UsageFault

    host.breaks = UsageFault("primitive.fp32.onnx was changed")
    code, out, err = typed("--bundle", "B", "--no-page")
    assert code == 2
    assert err.splitlines()[-1] == "dartenv: primitive.fp32.onnx was changed"
    assert out == ""


# A suite that a shell started in the background has SIGINT ignored, and so have its children.
ALONE = """
import signal
import sys
from functools import partial
import dartenv.runtime.host
from dartenv.cli import app
from dartenv.cli.ending import run
from tests.live.conftest import FakeHost

signal.signal(signal.SIGINT, signal.default_int_handler)
dartenv.runtime.host.load = lambda *_, **__: FakeHost()
sys.exit(run(partial(app.assemble(), ["live", *sys.argv[1:]])))
"""


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process there")
@pytest.mark.parametrize("held", [False, True], ids=["running", "paused"])
def test_ctrl_c_ends_it_within_two_seconds_whatever_receivers_do(tmp_path, held):
    """A page and a BVH receiver that read nothing, and a UDP receiver that is not there."""
    pytest.importorskip("websockets")
    from websockets.sync.client import connect

    checkout = str(Path(__file__).resolve().parents[2])
    given = {**os.environ, "PYTHONPATH": checkout, "PYTHONUTF8": "1"}
    words = ("--bundle", "B", "--prompt", "walk", "--udp", "9", "--bvh-tcp", "0", "--no-open")
    stats = tmp_path / "figures.json"
    run = subprocess.Popen(
        [sys.executable, "-c", ALONE, *words, "--stats", str(stats)],
        env=given,
        cwd=checkout,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said = []
    try:
        while not said or "Ctrl-C ends it" not in said[-1]:
            said.append(run.stderr.readline().decode("utf-8"))
            assert said[-1], said
        told = "".join(said)
        origin, token = re.search(r"http://(\S+)/#token=(\S+)", told).groups()
        bvh = int(re.search(r"bvh\s+127\.0\.0\.1:(\d+)", told).group(1))
        with socket.create_connection(("127.0.0.1", bvh)), connect(
            f"ws://{origin}/ws?token={token}", compression=None, close_timeout=0.1
        ) as page:
            if held:
                page.send(json.dumps({"do": "pause", "on": True}))
            message = b""
            while not isinstance(message, str) or json.loads(message).get("paused") is not held:
                message = page.recv(timeout=10)
            run.send_signal(signal.SIGINT)
            began = time.monotonic()
            out, err = run.communicate(timeout=20)
            took = time.monotonic() - began
    finally:
        run.kill()
    assert run.returncode == 0, err
    assert b"frames in" in out
    assert b"Traceback" not in err
    assert took < 2
    assert json.loads(stats.read_text(encoding="utf-8"))["receivers"]["bvh"]["sent"] >= 0


def test_a_bundle_that_is_not_there(typed, tmp_path):
    typed.undo()
    code, _, err = typed("--bundle", str(tmp_path / "none"), "--no-open")
    assert code == 2
    assert "bundle.json" in err


@pytest.mark.ort
@pytest.mark.skipif(
    any(importlib.util.find_spec(n) is None for n in ("onnx", "onnxruntime", "websockets")),
    reason="needs onnx, onnxruntime, websockets",
)
def test_the_sandbox_moves(typed, tmp_path):
    from dartenv.export.bundle import export_bundle
    from dartenv.export.writer import ExportOptions
    from dartenv.manifests.loader import Manifests
    from dartenv.model.source import Places, read_source

    checkpoint = PROJECT / "mld_denoiser/mld_sandbox/checkpoint_4000.pt"
    places = Places(checkpoint, PROJECT / "data/sandbox-models", {"": "data/stand.pkl"}, None)
    options = ExportOptions(
        models=("primitive",), precisions=("fp32",), variants=("desktop",), check=False
    )
    folder = tmp_path / "包 bundle"
    folder.mkdir()
    export_bundle(read_source(PROJECT, places), folder, "sandbox", options, Manifests())
    typed.undo()
    stats = tmp_path / "figures.json"
    code, out, _ = typed(
        *("--bundle", str(folder), "--prompt", "walk forward", "--for", "1.5", "--no-open"),
        *("--threads", "1", "--stats", str(stats)),
    )
    assert code == 0
    assert "not DART's" in out
    assert json.loads(stats.read_text(encoding="utf-8"))["frames"] > 10
