"""One run of a scenario's program, measured and judged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Collection, Dict, List, Mapping, Optional, Tuple

import msgspec

from dartenv.facts.exits import crash_name
from dartenv.smoke.judges import Judged, Measured, expect, judge
from dartenv.smoke.mine import Cause, mine, read_tail
from dartenv.smoke.prepare import Prepared
from dartenv.smoke.progress import Progress
from dartenv.smoke.result import RunRecord
from dartenv.smoke.runner import Limits, Outcome
from dartenv.smoke.scenario import ErrorTable, Scenario, Size, Value, Variant, fill, holds
from dartenv.smoke.target import Interpreter

_MEASURE_LIMITS = Limits(seconds=600.0, memory=8_000_000_000)


@dataclass(frozen=True)
class Once:
    """Everything one run is made of."""

    scenario: Scenario
    size_name: str
    size: Size
    variant: Variant
    ready: Prepared
    root: Path  # of the workspace
    errors: ErrorTable
    progress: Optional[Progress]
    tree_kind: str = "dart"

    def bodies(self) -> Dict[str, str]:
        """The body model files of the workspace that numpy can read, by gender."""
        values = self.ready.values
        if "body_model_dir" not in values or values.get("body_type", "smplx") != "smplx":
            return {}
        return {
            str(need.options["gender"]): str(
                self.root.joinpath(*PurePosixPath(fill(need.path, values)).parts)
            )
            for need in self.scenario.needs
            if "gender" in need.options
            and need.path.endswith(".npz")
            and (not need.trees or self.tree_kind in need.trees)
        }


def run_once(once: Once, interpreter: Interpreter) -> Tuple[RunRecord, Measured]:
    """Run, measure and judge; what goes wrong is in the record."""
    scenario, variant = once.scenario, once.variant
    values: Dict[str, Value] = {**once.ready.values, **variant.values}
    args = [fill(arg, values) for arg in scenario.args]
    argv = interpreter.module(
        scenario.module, args, once.ready.clip, _drive(once, interpreter, values)
    )
    log = interpreter.folder / (f"{variant.id}.log" if variant.id else "run.log")
    limits = Limits(seconds=once.size.time_limit, memory=once.size.memory_limit)
    outputs = scenario.outputs
    # An earlier variant of the scenario may have written beside this one.
    earlier = {*_written(once, outputs.samples, values), *_written(once, outputs.exports, values)}
    outcome = interpreter.run(argv, log, limits, once.progress)

    samples = _new(_written(once, outputs.samples, values), earlier)
    exports_wanted = outputs.exports is not None and holds(outputs.exports_when, values)
    exports = _new(_written(once, outputs.exports, values), earlier) if exports_wanted else []
    repeats, repeated = _repeat(once, interpreter, values, samples, earlier)
    measured, trouble = Measured(), None
    if samples or exports:
        measured, trouble = _measure(once, interpreter, samples, exports, repeats, values)
    count = int(fill(scenario.outputs.count, values))
    expected = expect(scenario.outputs, values, exports_wanted, count)
    genuine = not once.ready.stand_ins
    judged: Tuple[Judged, ...] = ()
    if trouble is None:
        judged = judge(
            scenario,
            measured,
            expected,
            genuine=genuine,
            size=once.size_name,
            variant=variant.id,
            tree=once.tree_kind,
        )
        judged = tuple(msgspec.structs.replace(j, run=variant.id) for j in judged)
    cause = _cause(once, outcome, log, bool(samples)) or trouble
    if cause is None and repeated is not None and not repeated.ok:
        cause = Cause(sentence=f"it ran, and the same again {_ending(repeated.rc)}")
    record = RunRecord(
        variant=variant.id,
        command=argv,
        log=str(log),
        outcome=outcome,
        judged=judged,
        metrics=_metrics(scenario, outcome, measured, values),
        digests=tuple(sample.digest or "" for sample in measured.samples),
        motions=tuple(sample.motion for sample in measured.samples if sample.motion),
        repeated=repeated,
        cause=cause,
    )
    return record, measured


def _written(once: Once, pattern: Optional[str], values: Mapping[str, Value]) -> List[Path]:
    """Files that match, below the denoiser checkpoint's folder."""
    if pattern is None:
        return []
    folder = once.root.joinpath(*PurePosixPath(str(values["denoiser_dir"])).parts)
    return sorted(folder.glob(fill(pattern, values)))


def _drive(
    once: Once, interpreter: Interpreter, values: Mapping[str, Value]
) -> Optional[Dict[str, object]]:
    """What the driver of an interactive program is told."""
    drive = once.scenario.drive
    if drive is None:
        return None
    folder = once.root.joinpath(*PurePosixPath(str(values["denoiser_dir"])).parts)
    window = once.tree_kind in once.scenario.display
    return {
        "prompts": drive.prompts,
        "frames": drive.frames,
        "limit": drive.limit,
        "out": str(folder.joinpath(*PurePosixPath(fill(drive.out, values)).parts)),
        "screenshots": str(interpreter.folder) if window else None,
    }


def _new(paths: List[Path], earlier: Collection[Path]) -> List[Path]:
    return [path for path in paths if path not in earlier]


def _repeat(
    once: Once,
    interpreter: Interpreter,
    values: Mapping[str, Value],
    samples: List[Path],
    earlier: Collection[Path],
) -> Tuple[List[Path], Optional[Outcome]]:
    """Run again with the same seed; answers the new files, beside the first ones kept safe."""
    scenario, wanted = once.scenario, once.scenario.repeat
    if wanted is None or not samples or not scenario.repeats(once.variant.id, once.size_name):
        return [], None
    again: Dict[str, Value] = {**values, **wanted.values}
    # Whether it writes into the same folder depends on its values: the first ones step aside.
    kept = [path.with_name("first-" + path.name) for path in samples]
    for path, aside in zip(samples, kept):
        path.replace(aside)
    argv = interpreter.module(
        scenario.module, [fill(arg, again) for arg in scenario.args], once.ready.clip
    )
    log = interpreter.folder / (f"{once.variant.id}-again.log" if once.variant.id else "again.log")
    limits = Limits(seconds=once.size.time_limit, memory=once.size.memory_limit)
    outcome = interpreter.run(argv, log, limits, None)
    moved: List[Path] = []
    for path in _new(_written(once, scenario.outputs.samples, again), earlier):
        target = path.with_name("again-" + path.name)
        path.replace(target)
        moved.append(target)
    for path, aside in zip(samples, kept):
        aside.replace(path)
    return moved, outcome


def _measure(
    once: Once,
    interpreter: Interpreter,
    samples: List[Path],
    exports: List[Path],
    repeats: List[Path],
    values: Mapping[str, Value],
) -> Tuple[Measured, Optional[Cause]]:
    goal = _written(once, once.scenario.outputs.goal, values)
    request = {
        "samples": [str(path) for path in samples],
        "exports": [str(path) for path in exports],
        "keys": once.scenario.outputs.keys,
        "goal": str(goal[0]) if goal else None,
        "fps": once.scenario.fps,
        "parents": once.scenario.parents,
        "bodies": once.bodies(),
        "repeats": [str(path) for path in repeats],
        "motions": str(interpreter.folder),
        "name": once.variant.id,
    }
    name = f"measure-{once.variant.id}" if once.variant.id else "measure"
    outcome, data, log = interpreter.ask("measure", request, _MEASURE_LIMITS, name)
    if data is not None:
        return msgspec.json.decode(data, type=Measured), None
    cause = mine(read_tail(log), once.errors, once.root)
    ended = outcome.reason or f"reading the written motion ended with {outcome.end}"
    return Measured(), cause or Cause(sentence=ended, error=read_tail(log)[-300:].strip())


def _cause(once: Once, outcome: Outcome, log: Path, wrote: bool) -> Optional[Cause]:
    """Why the run itself failed, or ``None``."""
    if outcome.ok and wrote:
        return None
    text = read_tail(log)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    step = outcome.step
    reached = f" at {step.done} of {step.total} {once.scenario.unit}" if step else ""
    if outcome.end == "not-started":
        return Cause(sentence=f"could not be started: {outcome.reason}", check="python.version")
    if outcome.end == "timeout":
        limit = f"{once.size.time_limit:g} s"
        sentence = f"ended by us after {limit}{reached}" + (
            "" if lines else ", having said nothing"
        )
        return Cause(sentence=sentence, error=last)
    if outcome.end == "memory":
        peak, allowed = outcome.peak_memory / 1e9, once.size.memory_limit / 1e9
        sentence = f"ended by us at {peak:.1f} GB of memory, {allowed:.1f} GB allowed{reached}"
        return Cause(sentence=sentence, check="host.memory", error=last)
    mined = mine(text, once.errors, once.root)
    if mined is not None:
        after = " (after it had written motion)" if wrote else ""
        return msgspec.structs.replace(mined, sentence=mined.sentence + after)
    if outcome.rc == 0:
        return Cause(sentence="it ended as if all were well and wrote no motion", error=last)
    how = _ending(outcome.rc)
    after = " after it had written motion" if wrote else ""
    return Cause(sentence=f"it {how}{after}{reached}", error=last)


def _ending(rc: Optional[int]) -> str:
    """An exit status in words."""
    crashed = crash_name(rc) if rc is not None else None
    if crashed is not None:
        return f"was ended: {crashed}"
    if rc is not None and rc >= 0x40000000:  # Windows: an NTSTATUS that has no name here
        return f"crashed with status 0x{rc:08X}"
    return f"ended with status {rc}"


def _metrics(
    scenario: Scenario, outcome: Outcome, measured: Measured, values: Mapping[str, Value]
) -> Dict[str, float]:
    found: Dict[str, float] = {"wall_seconds": outcome.seconds}
    if outcome.first_output is not None:
        found["first_output_seconds"] = outcome.first_output
    if outcome.first_step is not None:
        found["first_step_seconds"] = outcome.first_step
    step = outcome.step
    if step is not None and step.rate and step.seconds and step.done == step.total:
        found["loop_seconds"] = step.seconds
        found[f"{scenario.unit}_per_second"] = step.rate
        if scenario.unit == "primitives":
            found["fps"] = step.rate * int(values["future"])
    for sample in measured.samples[:1]:
        for name, value in sample.metrics.items():
            if value is not None:
                found[f"sample_{name}"] = value
    return found
