"""The smoke tests' judges of motion, as export's accuracy gate asks them."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence, Tuple

import numpy as np

from dartenv.export.conditions import Conditions
from dartenv.export.gate import JudgeMotion, Verdict
from dartenv.export.measure import Rollout
from dartenv.manifests.loader import Manifests
from dartenv.model.layout import JOINTS
from dartenv.smoke.api import load_scenario
from dartenv.smoke.inside.measure import metrics_of
from dartenv.smoke.judges import judge_metrics
from dartenv.smoke.scenario import Scenario

# What the gate measures by itself, over all frames.
_OWN = ("rotation_error", "max_joint_speed", "bone_drift")


def smoke_judge(manifests: Manifests, kind: str, conditions: Conditions) -> JudgeMotion:
    """The rollout scenario's judges for a bundle of ``kind`` (bundle.json's).

    A prompt that is one of the scenario's variants is judged as that variant, over as many
    primitives; judges of motion quality say nothing of stand-ins' motion.
    """
    scenario = load_scenario("rollout", manifests)
    tree = "sandbox" if kind == "sandbox" else "dart"

    def judge(prompt: str, run: Rollout) -> Sequence[Verdict]:
        variant, frames = _variant(scenario, prompt, conditions.future_frames)
        metrics = metrics_of(
            _sequence(run, frames),
            float(conditions.fps),
            list(conditions.body_parents),
            conditions.rest_joints[:JOINTS].tolist(),
        )
        whole = {name: value if np.isfinite(value) else None for name, value in metrics.items()}
        verdicts = judge_metrics(
            scenario, whole, genuine=kind != "plumbing", size="full", variant=variant, tree=tree
        )
        return [
            Verdict(found.name, found.value, rule.unit, rule.min, rule.max, bool(found.passed))
            for rule, found in verdicts
            if rule.metric not in _OWN
        ]

    return judge


def _variant(scenario: Scenario, prompt: str, each: int) -> Tuple[str, Optional[int]]:
    """(id, frames) of the variant that runs ``prompt``; "" and all frames where none does."""
    for variant in scenario.variants:
        if variant.values.get("text") == prompt:
            return variant.id, int(variant.values["primitives"]) * each
    return "", None


def _sequence(run: Rollout, frames: Optional[int]) -> Dict[str, Any]:
    """The first sample's first ``frames`` frames as DART writes a motion, in nested lists."""
    rotations = run.rotations[0, :frames]
    return {
        "transl": run.translation[0, :frames].tolist(),
        "global_orient": rotations[:, 0].tolist(),
        "body_pose": rotations[:, 1:].tolist(),
        "joints": run.joints[0, :frames].tolist(),
    }
