"""Numbers against thresholds, and how a result is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Optional

import msgspec
import pytest

from dartenv.checks.finding import Status
from dartenv.errors import UsageFault
from dartenv.smoke.judges import Expected, Export, Judged, Measured, Sample, judge
from dartenv.smoke.mine import Cause
from dartenv.smoke.result import RunRecord, SmokeResult, judge_sentence, to_findings, write_result
from dartenv.smoke.runner import Outcome
from dartenv.smoke.scenario import Scenario, fill, holds
from dartenv.smoke.standins import StandIn

SHAPES = {"transl": (26, 3), "body_pose": (26, 21, 3, 3), "joints": (26, 22, 3)}
METRICS: Dict[str, Optional[float]] = {
    "not_finite": 0.0,
    "rotation_error": 1e-7,
    "path_length": 0.1,
}
EXPECTED = Expected(samples=1, exports=0, frames=26)


def sample(**changes: Any) -> Sample:
    return msgspec.structs.replace(
        Sample(path="sample_0.pkl", shapes=SHAPES, metrics=METRICS), **changes
    )


def verdicts(
    scenario: Scenario, *samples: Sample, genuine: bool = False, expected: Expected = EXPECTED
) -> Dict[str, Optional[bool]]:
    measured = Measured(samples=samples)
    judged = judge(scenario, measured, expected, genuine=genuine, size="quick")
    return {one.name: one.passed for one in judged}


def test_good_numbers_pass_and_quality_is_not_judged_on_stand_ins(scenario: Scenario) -> None:
    found = verdicts(scenario, sample())
    assert found.pop("path") is None
    assert set(found.values()) == {True}


def test_quality_is_judged_on_genuine_runs(scenario: Scenario) -> None:
    assert verdicts(scenario, sample(), genuine=True)["path"] is False


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"metrics": {**METRICS, "rotation_error": 2.0}}, "rotations"),
        ({"metrics": {**METRICS, "rotation_error": None}}, "rotations"),
        ({"metrics": {**METRICS, "not_finite": 3.0}}, "finite"),
        ({"missing": ("joints",)}, "keys"),
        ({"problem": "EOFError: Ran out of input"}, "readable"),
        ({"shapes": {**SHAPES, "body_pose": (26, 63)}}, "shapes"),
        ({"shapes": {**SHAPES, "joints": (25, 22, 3)}}, "shapes"),
        ({"shapes": {k: (18, *s[1:]) for k, s in SHAPES.items()}}, "frames"),
    ],
)
def test_each_fault_fails_its_own_judge(
    scenario: Scenario, changes: Dict[str, Any], failed: str
) -> None:
    found = verdicts(scenario, sample(**changes))
    assert [name for name, passed in found.items() if passed is False] == [failed]


def test_one_bad_sample_among_good_ones_fails(scenario: Scenario) -> None:
    bad = sample(metrics={**METRICS, "rotation_error": 0.5})
    expected = Expected(samples=3, exports=0, frames=26)
    found = verdicts(scenario, sample(), bad, sample(), expected=expected)
    assert found["rotations"] is False
    assert found["files"] is True


def test_flat_joints_are_joints(scenario: Scenario) -> None:
    assert verdicts(scenario, sample(shapes={**SHAPES, "joints": (26, 66)}))["shapes"] is True


def test_nothing_written_is_a_failure(scenario: Scenario) -> None:
    assert verdicts(scenario) == {"files": False}


def test_exports_are_judged_by_shape_count_and_numbers(scenario: Scenario) -> None:
    outputs = msgspec.structs.replace(
        scenario.outputs, exports="x", export_shapes={"poses": (0, 165), "trans": (0, 3)}
    )
    scenario = msgspec.structs.replace(scenario, outputs=outputs)
    expected = Expected(samples=1, exports=1, frames=26)

    def verdict(*exports: Export) -> Optional[bool]:
        measured = Measured(samples=(sample(),), exports=exports)
        judged = judge(scenario, measured, expected, genuine=False, size="quick")
        return judged[-1].passed

    good = {"poses": (26, 165), "trans": (26, 3)}
    assert verdict(Export(path="a", shapes=good)) is True
    assert verdict() is False
    assert verdict(Export(path="a", shapes={**good, "poses": (26, 66)})) is False
    assert verdict(Export(path="a", shapes={"poses": (26, 165)})) is False
    assert verdict(Export(path="a", shapes=good, finite=False)) is False


def result(**changes: Any) -> SmokeResult:
    frames = Judged(name="frames", passed=True, value=26.0, unit="frames", threshold="26")
    run = RunRecord(
        variant="",
        command=("python", "-m", "mld.walk"),
        log="run.log",
        outcome=Outcome(end="exit", rc=0, seconds=3.0, peak_memory=2_000_000_000),
        judged=(frames,),
        metrics={"fps": 32.0, "wall_seconds": 3.0},
    )
    base = SmokeResult(
        scenario="rollout",
        size="quick",
        device="auto",
        ran_on="cpu",
        seed=0,
        passed=True,
        runs=(run,),
        folder="runs/1",
    )
    return msgspec.structs.replace(base, **changes)


STAND_IN = StandIn(id="SMPLX_MALE", path="data/SMPLX_MALE.npz", reason="not there")


def test_a_genuine_pass_says_what_was_made() -> None:
    (finding,) = to_findings(result())
    assert finding.check == "smoke.rollout"
    assert finding.status is Status.OK
    assert finding.summary == "PASS: rollout wrote 26 frames at 32.0 frames a second on cpu"


def test_a_pass_with_stand_ins_says_so_and_names_them() -> None:
    (finding,) = to_findings(result(stand_ins=(STAND_IN,)))
    assert finding.status is Status.OK
    assert finding.summary.startswith("PLUMBING PASS: ")
    assert "SMPLX_MALE" in finding.summary
    assert "not tested" in finding.summary


def test_a_pass_of_the_sandbox_is_none_of_dart() -> None:
    (finding,) = to_findings(result(tree_kind="sandbox"))
    assert finding.summary.startswith("SANDBOX PASS: ")
    assert "DART itself was not tested" in finding.summary
    mixed = result(tree_kind="sandbox", stand_ins=(STAND_IN,))
    assert mixed.verdict == "PLUMBING PASS"


def test_a_failure_names_cause_check_and_remedy() -> None:
    cause = Cause(sentence="np.float is gone", check="source.numpy-aliases", where="a/q.py:13")
    failed = result(passed=False, cause=cause, stand_ins=(STAND_IN,))
    (finding,) = to_findings(failed)
    assert finding.status is Status.FAIL
    assert finding.summary == "rollout failed: np.float is gone (with stand-ins for SMPLX_MALE)"
    assert finding.cause == "source.numpy-aliases"
    assert "at a/q.py:13" in finding.evidence
    assert finding.remedy is not None
    assert "dartenv fix source.numpy-aliases" in finding.remedy.commands
    assert failed.verdict == "FAIL"


def test_a_judge_that_does_not_hold_is_the_failure() -> None:
    bad = Judged(
        name="finite",
        passed=False,
        value=7.0,
        unit="values",
        threshold="at most 0",
        detail="NaN",
        check="assets.checkpoints",
    )
    run = msgspec.structs.replace(result().runs[0], judged=(bad,))
    assert not run.passed
    (finding,) = to_findings(result(passed=False, runs=(run,)))
    assert finding.summary == "rollout failed: finite 7 values, not at most 0: NaN"
    assert finding.cause == "assets.checkpoints"


def test_a_number_that_is_not_judged_is_shown_as_such() -> None:
    shown = Judged(name="path", passed=None, value=0.05, unit="m", threshold="at least 0.2")
    assert judge_sentence(shown) == "path 0.05 m, not judged: at least 0.2"


def test_extra_paths_and_changes_are_never_hidden() -> None:
    odd = result(extra_python_path=("/stubs",), tree_changes=("data/x: written to",))
    (finding,) = to_findings(odd)
    assert "extra PYTHONPATH: /stubs" in finding.evidence
    assert "changed in the tree: data/x: written to" in finding.evidence


def test_a_result_can_be_read_back(tmp_path: Path) -> None:
    made = result(stand_ins=(STAND_IN,))
    path = write_result(made, tmp_path)
    assert msgspec.json.decode(path.read_bytes(), type=SmokeResult) == made
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]


def test_placeholders_are_filled_and_other_braces_left() -> None:
    assert fill("{a}*{n} {not one} {}", {"a": "walk", "n": 3}) == "walk*3 {not one} {}"
    with pytest.raises(UsageFault, match=r"no value for \{b\}"):
        fill("{b}", {"a": 1})


def test_conditions_compare_as_text() -> None:
    assert holds({"export_smpl": "1"}, {"export_smpl": 1})
    assert not holds({"export_smpl": "1"}, {"export_smpl": 0})
    assert not holds({"body_type": "smplh"}, {})
