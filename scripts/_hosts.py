"""What hosts in other languages are held against: the sandbox's bundle and motion of the Python runtime."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from dartenv.export.bundle import export_bundle
from dartenv.export.writer import ExportOptions
from dartenv.manifests.loader import default_manifests
from dartenv.model.source import Places, read_source
from dartenv.runtime.host import Host, State, load
from dartenv.runtime.stream import Stream

PROJECT = Path(__file__).resolve().parents[1] / "dartenv" / "sandbox" / "project"
PRECISIONS = ("fp64", "fp32", "fp16", "int8")
MODELS = ("primitive", "primitive_body", "denoiser", "vae_decoder")
PROMPTS = ("walk forward", "turn left", "wave right hand", "", "jump and turn right")


def sandbox_bundle(out: Path, precisions: Sequence[str] = PRECISIONS) -> Path:
    """The sandbox's bundle in ``out``, both variants; reduced precisions whatever their accuracy."""
    checkpoint = PROJECT / "mld_denoiser/mld_sandbox/checkpoint_4000.pt"
    body = PROJECT / "data/sandbox-models"
    source = read_source(PROJECT, Places(checkpoint, body, {"": "data/stand.pkl"}, None))
    options = ExportOptions(
        models=MODELS, precisions=tuple(precisions), check=False, keep_below_gate=True
    )
    export_bundle(source, out, "sandbox", options, default_manifests())
    return out


@dataclass(frozen=True)
class Case:
    """One motion to repeat. ``cuts``: the prompts of a stream, by the frame from which they hold;
    without, whole primitives."""

    name: str
    precision: str = "fp32"
    portable: bool = False
    joints: str = "predicted"
    schedule: str = ""
    cuts: Optional[Dict[int, str]] = None


def cases(precisions: Sequence[str] = PRECISIONS, primitives: int = 100) -> List[Case]:
    """Every precision and variant, joints of the body, another sampler, and changing prompts."""
    found = [
        Case(f"{precision}{', portable' if portable else ''}", precision, portable)
        for precision in precisions
        for portable in ((True,) if precision == "fp64" else (False, True))
    ]
    cuts = {frame: PROMPTS[n % 5] for n, frame in enumerate(range(21, 8 * primitives, 45))}
    found.append(Case("fp32, joints of the body", joints="body-model"))
    found.append(Case("fp32, ddim5 sampled outside", schedule="ddim5"))
    found.append(Case("fp32, prompts cut in", cuts=cuts))
    found.append(Case("fp32, body, prompts cut in", joints="body-model", cuts=cuts))
    if "fp64" in precisions:
        found.append(Case("fp64, prompts cut in", "fp64", True, cuts=cuts))
        found.append(Case("fp64, body, prompts cut in", "fp64", True, "body-model", cuts=cuts))
    return found


def record(bundle: Path, out: Path, asked: Sequence[Case], primitives: int = 100) -> None:
    """Write ``out/parity.json``, noise and the Python runtime's motion of every case."""
    texts = [PROMPTS[n * len(PROMPTS) // primitives] for n in range(primitives)]
    listed = []
    out.mkdir(parents=True, exist_ok=True)
    for number, case in enumerate(asked):
        host: Any = load(
            bundle,
            precision=case.precision,  # type: ignore[arg-type]
            portable=case.portable,
            joints=case.joints,  # type: ignore[arg-type]
            threads=1,
        )
        name = case.schedule or host.bundle.schedule
        drawn = _noise(host, name, primitives)
        asked_for = (case, name, texts, drawn)
        motion = _motion(host, *asked_for)
        files = {"noise": f"noise-{number}.f32", "reference": f"motion-{number}.f32"}
        # A stream cuts primitives short, so it takes more noise than whole ones.
        (_noise(host, name, 2 * primitives) if case.cuts else drawn).tofile(out / files["noise"])
        motion.astype("<f4").tofile(out / files["reference"])
        # Doubles are rounded to single once, at the end: nothing of it depends on the host.
        bits = range(0 if case.precision == "fp64" else 4)
        others = [_motion(_LastBits(host, seed), *asked_for) for seed in bits]
        rounding = max((_apart(motion, other) for other in others), default=0.0)
        listed.append({**vars(case), "schedule": name, "rounding": rounding, **files})
    document = {"guidance": 5.0, "texts": texts, "cases": listed}
    (out / "parity.json").write_text(json.dumps(document), encoding="utf-8")


def _motion(host: Any, case: Case, schedule: str, texts: Sequence[str], drawn: Any) -> Any:
    if case.cuts:
        return _streamed(host, case.cuts, texts[0], len(texts))
    return _whole(host, schedule, texts, drawn)


class _LastBits:
    """A host whose first history is 1e-7 of itself off, as single precision rounds."""

    def __init__(self, host: Any, seed: int) -> None:
        self._host, self._random, self._first = host, np.random.default_rng(seed), True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def step(self, state: State, *more: Any) -> Any:
        if self._first:
            off = 1 + 1e-7 * self._random.standard_normal(state.history.shape)
            state = State((state.history * off).astype(np.float32), state.world)
            self._first = False
        return self._host.step(state, *more)


def _apart(one: Any, other: Any) -> float:
    """The largest distance of a joint between two motions as ``_rows`` has them."""
    joints = 3 * ((one.shape[1] - 3) // 12)
    gap = (one[:, :joints] - other[:, :joints]).reshape(len(one), -1, 3)
    return float(np.linalg.norm(gap, axis=-1).max())


def _noise(host: Host, name: str, primitives: int) -> Any:
    """[primitives, S + 1, 1, T, Z], as the runtime draws it for seed 0."""
    from dartenv.runtime.noise import Noise

    source = Noise(host.bundle, host.schedule(name), 0, 1)
    return np.stack([next(source) for _ in range(primitives)]).astype("<f4")


def _rows(rotations: Any, translation: Any, joints: Any) -> Any:
    """[frames, 12 J + 3]: joints, rotations, translation."""
    count = len(translation)
    parts = (joints.reshape(count, -1), rotations.reshape(count, -1), translation)
    return np.concatenate(parts, axis=1)


def _whole(host: Host, name: str, texts: Sequence[str], drawn: Any) -> Any:
    state, schedule, rows = host.start(1), host.schedule(name), []
    for text, noise in zip(texts, drawn):
        made = host.step(state, host.embed(text), noise, 5.0, schedule)
        rows.append(_rows(*(part[0] for part in made.placed)))
        state = made.after
    return np.concatenate(rows)


def _streamed(host: Host, cuts: Dict[int, str], first: str, primitives: int) -> Any:
    stream = Stream(host, first, 0, 5.0, None)
    rows = []
    for index in range(host.bundle.sizes.future * primitives):
        if index in cuts:
            stream.prompt = cuts[index]
        frame = next(stream)
        rows.append(_rows(frame.rotations[None], frame.translation[None], frame.joints[None]))
    return np.concatenate(rows)
