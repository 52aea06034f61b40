"""Judging what a run wrote, from numbers alone.

The numbers come from a program in the target that can read the files; here they meet the
scenario's thresholds. Pure functions.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import msgspec

from dartenv.smoke.scenario import Judge, Outputs, Scenario, Value


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One written sequence as measured; ``metrics`` holds ``None`` for what is not finite."""

    path: str
    problem: Optional[str] = None
    missing: Tuple[str, ...] = ()
    shapes: Dict[str, Tuple[int, ...]] = {}
    metrics: Dict[str, Optional[float]] = {}
    gender: Optional[str] = None
    history_length: Optional[int] = None
    future_length: Optional[int] = None
    texts: int = 0
    digest: Optional[str] = None
    motion: Optional[str] = None  # the file that holds its joints


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """One exported SMPL-X npz as measured."""

    path: str
    problem: Optional[str] = None
    shapes: Dict[str, Tuple[int, ...]] = {}
    finite: bool = True


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What the measuring program answers."""

    samples: Tuple[Sample, ...] = ()
    exports: Tuple[Export, ...] = ()
    goal_frames: Optional[int] = None
    versions: Dict[str, str] = {}
    cuda: Optional[bool] = None


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What the run should have written."""

    samples: int
    exports: int
    frames: Optional[int] = None


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict: a number, its threshold, and whether it holds.

    ``passed`` is ``None`` for a number that is shown but not judged.
    """

    name: str
    passed: Optional[bool]
    value: Optional[float] = None
    unit: str = ""
    threshold: str = ""
    detail: str = ""
    check: Optional[str] = None  # the doctor check to look at when it does not hold
    run: str = ""  # the variant, where a scenario has several


def expect(outputs: Outputs, values: Mapping[str, Value], exports: bool, count: int) -> Expected:
    """What ``outputs`` promises for these values (``history``, ``future``, ``primitives``)."""
    frames: Optional[int] = None
    if outputs.frames == "primitives":
        frames = int(values["history"]) + int(values["future"]) * int(values["primitives"])
    return Expected(samples=count, exports=count if exports else 0, frames=frames)


def judge(
    scenario: Scenario,
    measured: Measured,
    expected: Expected,
    *,
    genuine: bool,
    size: str,
    variant: str = "",
    tree: str = "dart",
) -> Tuple[Judged, ...]:
    """Every verdict on one run, the plainest first."""
    outputs, samples = scenario.outputs, measured.samples
    frames = expected.frames if outputs.frames == "primitives" else measured.goal_frames
    found = [_count("files", len(samples), expected.samples)]
    if not samples:
        return tuple(found)
    found.append(_none_of("readable", [s.problem for s in samples if s.problem]))
    readable = [sample for sample in samples if sample.problem is None]
    if not readable:
        return tuple(found)
    found.append(_none_of("keys", [f"{key} is missing" for s in readable for key in s.missing]))
    if outputs.frames != "any":
        found.append(_frames(readable, frames))
    wrong = [text for s in readable for text in _wrong_shapes(s.shapes, outputs.shapes)]
    found.append(_none_of("shapes", wrong))
    found.extend(
        _threshold(rule, readable, _judging(rule, genuine, size))
        for rule in scenario.judges
        if _concerns(rule, variant, tree)
        and (_judging(rule, genuine, size) or any(rule.metric in s.metrics for s in readable))
    )
    if expected.exports:
        found.append(_exports(measured.exports, expected.exports, outputs))
    return tuple(found)


def judge_metrics(
    scenario: Scenario,
    metrics: Mapping[str, Optional[float]],
    *,
    genuine: bool,
    size: str,
    variant: str,
    tree: str,
) -> Tuple[Tuple[Judge, Judged], ...]:
    """The rules that may judge such a run and whose number is among ``metrics``, with verdicts."""
    sample = [Sample(path="", metrics=dict(metrics))]
    return tuple(
        (rule, _threshold(rule, sample, judging=True))
        for rule in scenario.judges
        if rule.metric in metrics
        and _concerns(rule, variant, tree)
        and _judging(rule, genuine, size)
    )


def _count(name: str, value: int, wanted: int) -> Judged:
    return Judged(
        name=name,
        passed=value == wanted,
        value=float(value),
        threshold=f"{wanted}",
        detail="" if value else "nothing was written",
    )


def _none_of(name: str, faults: Sequence[str]) -> Judged:
    shown = "; ".join(list(dict.fromkeys(faults))[:3])
    return Judged(
        name=name,
        passed=not faults,
        value=float(len(faults)),
        unit="wrong",
        threshold="0",
        detail=shown,
    )


def _frames(samples: Sequence[Sample], wanted: Optional[int]) -> Judged:
    counts = sorted({_length(sample) for sample in samples})
    shown = ", ".join(str(count) for count in counts)
    return Judged(
        name="frames",
        passed=wanted is not None and counts == [wanted],
        value=float(counts[0]),
        unit="frames",
        threshold="unknown" if wanted is None else str(wanted),
        detail=f"history + future x primitives, found {shown}",
    )


def _length(sample: Sample) -> int:
    shape = sample.shapes.get("transl", ())
    return shape[0] if shape else 0


def _wrong_shapes(
    shapes: Mapping[str, Sequence[int]], wanted: Mapping[str, Sequence[int]]
) -> List[str]:
    """Arrays whose shape is not the wanted one, or whose frame count differs from the others."""
    frames = next((shapes[k][0] for k, w in wanted.items() if k in shapes and w[:1] == (0,)), None)
    found: List[str] = []
    for key, template in wanted.items():
        if key not in shapes:
            continue
        full = [frames if size == 0 else size for size in template]
        # DART writes joints as [T, 22, 3] or flat, [T, 66], depending on where they come from.
        flat = [full[0], _product(full[1:])] if key == "joints" else full
        if list(shapes[key]) not in (full, flat):
            found.append(f"{key} is {_shown(shapes[key])}, not {_shown(full)}")
    return found


def _concerns(rule: Judge, variant: str, tree: str) -> bool:
    """Whether ``rule`` speaks of this variant in this kind of tree at all."""
    return (not rule.variants or variant in rule.variants) and (
        not rule.trees or tree in rule.trees
    )


def _judging(rule: Judge, genuine: bool, size: str) -> bool:
    """Whether ``rule`` may judge this run, or only show its number."""
    return (genuine or not rule.genuine) and (not rule.sizes or size in rule.sizes)


def _threshold(rule: Judge, samples: Sequence[Sample], judging: bool) -> Judged:
    values = [sample.metrics.get(rule.metric) for sample in samples]
    numbers = [value for value in values if value is not None]
    limits = []
    if rule.max is not None:
        limits.append(f"at most {rule.max:g}")
    if rule.min is not None:
        limits.append(f"at least {rule.min:g}")
    worst: Optional[float] = None
    if numbers:
        worst = max(numbers) if rule.max is not None else min(numbers)
    whole = len(numbers) == len(values)  # a value that is not finite has no number
    held = whole and all(_holds(rule, number) for number in numbers)
    return Judged(
        name=rule.name,
        passed=held if judging else None,
        value=worst,
        unit=rule.unit,
        threshold=" and ".join(limits),
        detail=rule.detail if whole else "not a finite number",
        check=rule.check or None,
    )


def _holds(rule: Judge, value: float) -> bool:
    if rule.max is not None and value > rule.max:
        return False
    return rule.min is None or value >= rule.min


def _exports(exports: Sequence[Export], wanted: int, outputs: Outputs) -> Judged:
    faults = [export.problem for export in exports if export.problem]
    for export in exports:
        if export.problem is None:
            faults.extend(_wrong_shapes(export.shapes, outputs.export_shapes))
            faults.extend(
                f"{key} is missing" for key in outputs.export_shapes if key not in export.shapes
            )
            if not export.finite:
                faults.append("holds numbers that are not finite")
    if len(exports) != wanted:
        faults.append(f"{len(exports)} files, {wanted} expected")
    return Judged(
        name="exports",
        passed=not faults,
        value=float(len(exports)),
        unit="files",
        threshold=str(wanted),
        detail="; ".join(list(dict.fromkeys(faults))[:3]),
    )


def _product(sizes: Sequence[Optional[int]]) -> int:
    total = 1
    for size in sizes:
        total *= size or 1
    return total


def _shown(shape: Sequence[Optional[int]]) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"
