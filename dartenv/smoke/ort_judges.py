"""What the ONNX Runtime smoke test's numbers mean. Pure functions."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from dartenv.smoke.judges import Judged
from dartenv.smoke.scenario import OrtSpec


class Floor(NamedTuple):
    """What single precision costs DART's own loop, and whose numbers in double precision tell it."""

    metres: float
    by: str


Floors = Mapping[str, Floor]  # by case


def astray(cases: Sequence[Mapping[str, Any]], spec: OrtSpec) -> List[str]:
    """The cases whose loop is beyond the plain limit and not yet held against exact numbers: single
    precision itself may be the cause."""
    far = [case for case in cases if not float(case["loop"]) <= spec.loop]
    return [str(case["name"]) for case in far if "exact" not in case]


def model_lines(cases: Sequence[Mapping[str, Any]], spec: OrtSpec, floors: Floors) -> List[Judged]:
    """dartenv's own networks against DART."""
    return [line for case in cases for line in _case_lines(case, spec, floors, "", exact=True)]


def provider_lines(
    models: Sequence[Mapping[str, Any]],
    precisions: Mapping[str, str],
    spec: OrtSpec,
    floors: Floors,
) -> List[Judged]:
    """Exported models on one provider. Reduced precisions are shown; the gate has judged them."""
    lines: List[Judged] = []
    for model in models:
        name = str(model["name"])
        problem = str(model.get("problem") or "")
        lines.append(
            Judged(
                name=f"{name} loads",
                passed=not problem,
                value=model.get("load_ms"),
                unit="ms",
                threshold="this provider alone, no fallback to the CPU",
                detail=problem,
                check="ort.providers",
            )
        )
        exact = precisions[name] == "fp32"
        for case in model["cases"]:
            lines += _case_lines(case, spec, floors, name + " ", exact)
        if not problem:
            lines.append(_shown(f"{name} one primitive", model["median_ms"], "ms"))
    return lines


def _case_lines(
    case: Mapping[str, Any], spec: OrtSpec, floors: Floors, lead: str, exact: bool
) -> List[Judged]:
    errors: Dict[str, float] = dict(case["primitive"])
    worst = max(errors, key=lambda key: _order(errors[key]))
    named, own = f"{lead}{case['name']}", f"largest difference from DART's own, in {worst}"
    lines = [_within(f"{named} one primitive", errors[worst], spec.primitive, "m or 1", own, exact)]
    loop, floor = float(case["loop"]), floors.get(str(case["name"]))
    if loop <= spec.loop or not exact or floor is None or "exact" not in case:
        own = "largest difference from DART's own, in joints"
        lines.append(_within(f"{named} loop", loop, spec.loop, "m", own, exact))
    else:
        own = (
            f"from DART's own, which single precision takes {floor.metres:.1e} m from exact numbers"
        )
        lines.append(_shown(f"{named} loop", loop, "m", own))
        far = f"largest difference from {floor.by} in double precision, in joints"
        limit = max(spec.loop, floor.metres)
        name = f"{named} loop, exact"
        lines.append(_within(name, float(case["exact"]), limit, "m", far, exact))
    if not case.get("finite", True):
        lines.append(
            Judged(name=f"{named} finite", passed=False, threshold="no NaN", unit="values")
        )
    return lines


def double_lines(cases: Sequence[Mapping[str, Any]], spec: OrtSpec) -> List[Judged]:
    """dartenv's networks against DART's own functions, neither of them rounding: a loop of any length
    is then held to what one primitive may differ by."""
    own = "largest difference from DART's own, both in double precision, in joints"
    return [
        _within(f"{case['name']} loop", float(case["exact"]), spec.primitive, "m", own, True)
        for case in cases
    ]


def _order(value: float) -> float:
    return float("inf") if value != value else value


def _within(name: str, value: float, limit: float, unit: str, detail: str, exact: bool) -> Judged:
    passed = value <= limit  # NaN is not
    return Judged(
        name=name,
        passed=passed if exact else None,
        value=value,
        unit=unit,
        threshold=f"at most {limit:.2g}",
        detail=detail,
    )


def _shown(name: str, value: float, unit: str, detail: str = "") -> Judged:
    return Judged(name=name, passed=None, value=value, unit=unit, threshold="shown", detail=detail)


def speed_lines(
    rows: Sequence[Mapping[str, Any]], frames: int
) -> Tuple[List[Judged], Dict[str, float]]:
    """(times in ratio to DART's own, metrics) of alternating blocks."""
    dart = next(row for row in rows if row["name"] == "dart")
    lines = [_shown("DART one primitive", dart["median_ms"], "ms")]
    metrics: Dict[str, float] = {}
    for row in rows:
        if row["name"] == "dart":
            continue
        ratio = dart["median_ms"] / row["median_ms"]
        lines.append(_shown(f"{row['name']} one primitive", row["median_ms"], "ms"))
        lines.append(
            Judged(
                name=f"{row['name']} times as fast as DART",
                passed=ratio >= 1.0,
                value=ratio,
                unit="x",
                threshold="at least 1",
                detail="alternating blocks in one process, medians, one thread",
            )
        )
        if not metrics:
            metrics = {"fps": frames / row["median_ms"] * 1e3}
    return lines, metrics


def cold_lines(answer: Mapping[str, Any], peak: int) -> List[Judged]:
    """A process without torch, from its launch."""
    return [
        _shown("first frames", answer["first_s"], "s"),
        _shown(f"{answer['frames']} frames", answer["all_s"], "s"),
        _shown("memory", peak / 1e6, "MB"),
        Judged(
            name="torch",
            passed=not answer["torch"],
            value=float(answer["torch"]),
            threshold="not imported",
        ),
    ]
