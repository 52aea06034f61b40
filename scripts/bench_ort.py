"""DART's own loop beside the exported models, in alternating blocks of one process.

    python scripts/bench_ort.py --dart-root DIR --python EXE [--clip FILE] [--threads 1,2]

DIR is a repaired tree with its checkpoints (or stand-ins of them), EXE the Python that runs DART,
with onnxruntime beside torch. This script itself needs numpy and onnx (dartenv's export extra).
A block is one run that is not counted and some that are; blocks alternate, so that a busy machine
troubles all alike. Prints medians and minima, the ratio to DART's, and the floor: the time that
this machine needs to multiply as much, and to read the weights as often, whichever is longer.
Then cold starts: from the launch of a process without torch to its first frames and to 800.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil

from dartenv import exporting
from dartenv.export.clip import token_table
from dartenv.export.models import build
from dartenv.manifests.loader import default_manifests
from dartenv.model.source import DartSource, read_source
from dartenv.smoke.api import PYTHON_PATH_VARIABLE
from dartenv.smoke.target import INSIDE, target_environment

BYTES = {"fp32": 4, "fp16": 4, "int8": 1}  # as read from memory in every step
PROMPT_TOKENS = [320, 1200, 530, 2000]  # any four: only their number counts here


def work(source: DartSource, steps: int) -> Tuple[float, float]:
    """(floating-point operations, weights read) of one primitive at batch 1 with guidance."""
    d, v = source.denoiser, source.vae
    width, wide, tokens, noise = d.width, d.feed_forward, 2 + d.history[0] + d.noise[0], d.noise[0]
    rows, kept = 2 * tokens, 2 * noise  # with and without text
    attention, feed = width * width, 2 * width * wide
    full = d.layers - 2  # neither the first, whose projections are ready, nor the last
    flops = 2.0 * rows * (full * (4 * attention + feed) + attention + feed + 2 * attention)
    flops += 2.0 * kept * (2 * attention + feed) + 2.0 * noise * d.noise[1] * 5 * width
    weights = full * (4 * attention + feed) + attention + feed + 4 * attention + feed
    weights += 5 * width * d.noise[1]
    count = v.latent[0] + source.history_frames + source.future_frames
    layer = 4 * v.width**2 + 2 * v.width * v.feed_forward
    decoder = v.layers * layer + (v.layers - 1) // 2 * 2 * v.width**2
    return steps * flops + 2.0 * count * decoder, steps * weights + decoder


def count_graph(source: DartSource, folder: Path, precisions: List[str]) -> List[Dict[str, str]]:
    """Write the graphs; print how long each took."""
    models = []
    for precision in precisions:
        began = time.perf_counter()
        data = build("primitive", source, precision, True).SerializeToString()
        path = folder / f"primitive.{precision}.onnx"
        path.write_bytes(data)
        took = time.perf_counter() - began
        print(f"{path.name:<22} {len(data) / 1e6:6.1f} MB   built in {took:.2f} s")
        models.append({"name": precision, "path": str(path)})
    return models


def ask(python: str, root: Path, program: str, request: Dict[str, Any]) -> Tuple[Any, int]:
    """(answer, most resident bytes) of one of dartenv's programs in the target."""
    extra = [p for p in os.environ.get(PYTHON_PATH_VARIABLE, "").split(os.pathsep) if p]
    env = target_environment({"PYTHONWARNINGS": "ignore", "WANDB_MODE": "disabled"}, extra)
    with tempfile.TemporaryDirectory() as folder:
        source, answer = Path(folder, "request.json"), Path(folder, "answer.json")
        source.write_text(json.dumps({**request, "launched": time.time()}), encoding="utf-8")
        argv = [python, str(INSIDE / "launcher.py"), program, str(source), str(answer)]
        child = subprocess.Popen(
            argv, cwd=str(root), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        peak, process = 0, psutil.Process(child.pid)
        while child.poll() is None:
            try:
                peak = max(peak, process.memory_info().rss)
            except psutil.Error:
                break
            try:
                child.wait(timeout=0.02)
            except subprocess.TimeoutExpired:
                continue
        _, said = child.communicate()
        if child.returncode:
            raise SystemExit(said.decode("utf-8", "replace")[-2000:])
        return json.loads(answer.read_text(encoding="utf-8")), peak


def show(answer: Any, flops: float, weights: float) -> None:
    """The table of blocks."""
    print(f"\n{'threads':>7} {'':<6} {'median ms':>10} {'min ms':>8} {'x DART':>7} {'x min':>6}"
          f" {'floor ms':>9} {'reached':>8}")  # fmt: skip
    limits = {row["threads"]: row for row in answer["limits"]}
    base: Dict[int, Any] = {}
    for row in answer["rows"]:
        name, threads = row["name"], row["threads"]
        line = f"{threads:>7} {name:<6} {row['median_ms']:>10.1f} {row['min_ms']:>8.1f}"
        if name == "dart":
            base[threads] = row
            print(line)
            continue
        limit, dart = limits[threads], base[threads]
        read = weights * BYTES[name] / limit["read_gb_s"] / 1e6
        # Products of eight bits are quicker than those in floating point: only reading counts.
        floor = read if name == "int8" else max(read, flops / limit["gflops"] / 1e6)
        ratio, least = dart["median_ms"] / row["median_ms"], dart["min_ms"] / row["min_ms"]
        print(f"{line} {ratio:>7.2f} {least:>6.2f} {floor:>9.1f} {floor / row['min_ms']:>8.0%}")
    for row in answer["limits"]:
        print(f"limits, {row['threads']} threads: {row['gflops']:.0f} GFLOP/s, reading"
              f" {row['read_gb_s']:.0f} GB/s")  # fmt: skip
    print("versions: " + ", ".join(f"{k} {v}" for k, v in answer["versions"].items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dart-root", required=True, type=Path)
    parser.add_argument("--python", required=True, help="the Python that runs DART")
    parser.add_argument("--clip", type=Path, help="CLIP's weights, where not in the cache")
    parser.add_argument("--denoiser", help="relative to the root")
    parser.add_argument("--precisions", default="fp32,int8")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--blocks", type=int, default=6)
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--respacing", default="")
    parser.add_argument("--cold", type=int, default=3, help="cold starts of each graph")
    options = parser.parse_args()
    root = options.dart_root.absolute()
    ground = exporting.ground(default_manifests(), root, options.denoiser, options.clip)
    source = read_source(ground.root, ground.places)
    relative = ground.places.denoiser.relative_to(root).as_posix()
    flops, weights = work(source, source.diffusion.steps)
    print(
        f"one primitive: {flops / 1e9:.2f} GFLOP, {weights * 4 / 1e6:.0f} MB of fp32 weights read"
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        precisions = options.precisions.split(",")
        models = count_graph(source, folder, precisions)
        clip = ["ViT-B/32", str(options.clip)] if options.clip else None
        common = {"checkpoint": f"./{relative}", "motion": f"./{source.motion}", "clip": clip}
        request = {
            **common,
            "respacing": options.respacing,
            "guidance": 5.0,
            "threads": [int(n) for n in options.threads.split(",")],
            "blocks": options.blocks,
            "runs": options.runs,
            "models": models,
            "read_bytes": weights * 4 // source.diffusion.steps,
        }
        answer, _ = ask(options.python, root, "ort_bench", request)
        show(answer, flops, weights)
        if options.cold:
            cold(options, root, source, folder, common)


def cold(
    options: Any, root: Path, source: DartSource, folder: Path, common: Dict[str, Any]
) -> None:
    """Cold starts with the text tower of the same precision."""
    import numpy as np

    case = {"name": "c", "respacing": "", "batch": 1, "predicted": True, "count": 1}
    request = {**common, "guidance": 5.0, "seed": 0, "prompts": ["walk"], "folder": str(folder)}
    ask(options.python, root, "ort_reference", {**request, "cases": [case]})
    print(
        f"\n{'cold':<6} {'first s':>8} {'800 frames s':>13} {'memory MB':>10}   best of {options.cold}"
    )
    if source.clip_state is not None:
        with (folder / "table.npy").open("wb") as stream:
            np.save(stream, token_table(source.clip_state)[0])
    for precision in options.precisions.split(","):
        clip = None
        if source.clip_state is not None:
            path = folder / f"clip.{precision}.onnx"
            path.write_bytes(build("clip_text", source, precision, True).SerializeToString())
            ends = len(source.clip_state["token_embedding.weight"]) - 2
            tokens = [ends, *PROMPT_TOKENS, ends + 1]
            clip = {"model": str(path), "table": str(folder / "table.npy"), "tokens": tokens}
        once = {
            "model": str(folder / f"primitive.{precision}.onnx"),
            "case": str(folder / "c.npz"),
            "primitives": 100,
            "threads": 2,
            "clip": clip,
        }
        found = [ask(options.python, root, "ort_cold", once) for _ in range(options.cold)]
        first = min(answer["first_s"] for answer, _ in found)
        whole = min(answer["all_s"] for answer, _ in found)
        peak = min(peak for _, peak in found)
        print(f"{precision:<6} {first:>8.2f} {whole:>13.2f} {peak / 1e6:>10.0f}")


if __name__ == "__main__":
    main()
