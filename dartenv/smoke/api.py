"""Running a scenario from start to end: prepare, run, measure, judge, record, clean up."""

from __future__ import annotations

import datetime
import os
import sys
import tempfile
import time
from pathlib import Path, PurePosixPath
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import msgspec

import dartenv
from dartenv.assets.spec import AssetsSpec
from dartenv.errors import UsageFault
from dartenv.facts.model import Facts
from dartenv.facts.store import facts_hash, save_facts
from dartenv.manifests.loader import Manifests, default_manifests
from dartenv.smoke.mine import Cause
from dartenv.smoke.needs import relative_to
from dartenv.smoke.once import Once, run_once
from dartenv.smoke.ort import run_ort
from dartenv.smoke.ort_asking import OrtRun
from dartenv.smoke.prepare import Prepared, Stage, prepare
from dartenv.smoke.progress import Progress
from dartenv.smoke.result import RunRecord, SmokeResult, write_result
from dartenv.smoke.scenario import ErrorTable, Scenario, StandInDefaults, Value
from dartenv.smoke.target import Interpreter, target_environment
from dartenv.smoke.workspace import Workspace, make_workspace

DEVICES = ("auto", "cpu", "cuda")
PYTHON_PATH_VARIABLE = "DARTENV_SMOKE_PYTHONPATH"
_FOLDER = "scenarios"
_TABLES = ("errors", "standins")  # manifests of that folder that are not scenarios


def scenario_ids(manifests: Optional[Manifests] = None) -> Tuple[str, ...]:
    """The ids of all scenarios in force."""
    manifests = manifests or default_manifests()
    return tuple(stem for stem in manifests.stems(_FOLDER) if stem not in _TABLES)


def load_scenario(scenario_id: str, manifests: Optional[Manifests] = None) -> Scenario:
    """The scenario ``scenario_id``. Raises UsageFault with the known ones."""
    manifests = manifests or default_manifests()
    if scenario_id not in scenario_ids(manifests):
        raise UsageFault(
            f"no scenario {scenario_id!r}", "one of: " + ", ".join(scenario_ids(manifests))
        )
    return manifests.read(_FOLDER, scenario_id, Scenario)


def run_scenario(
    dart_root: str,
    python: str,
    scenario: Scenario,
    *,
    size: str = "quick",
    device: str = "auto",
    seed: int = 0,
    state_dir: str,
    cache_dir: str,
    stand_ins: bool = True,
    keep: bool = False,
    progress: Optional[Progress] = None,
    stage: Optional[Stage] = None,
    extra_python_path: Optional[Sequence[str]] = None,
    values: Optional[Mapping[str, Value]] = None,
    assets: Optional[AssetsSpec] = None,
    tree_kind: str = "dart",
    manifests: Optional[Manifests] = None,
    env: Optional[Mapping[str, str]] = None,
    facts: Optional[Facts] = None,
) -> SmokeResult:
    """Run ``scenario`` on the tree at ``dart_root`` with the interpreter ``python``.

    Nothing is written into the tree. The run's log and record lie in ``state_dir``/runs, the
    shadow workspace and the stand-ins in ``cache_dir``. ``progress`` is called with every step of
    the program's own loop, ``stage`` with what is being done, in words. ``values`` override the scenario's (for
    example ``denoiser_checkpoint``); ``assets`` says which files are the published ones;
    ``facts`` are kept beside the record, and their hash in it;
    ``extra_python_path`` (default: the variable DARTENV_SMOKE_PYTHONPATH) is put in front of
    PYTHONPATH and named in the result. ``keep`` leaves the workspace in place.

    Raises UsageFault for wrong arguments; whatever the target does becomes part of the result.
    Ctrl-C ends the target's processes, removes the workspace and goes on.
    """
    chosen = scenario.size(size)
    root = _checked(dart_root, python, device)
    manifests = manifests or default_manifests()
    extra = _extra_path(extra_python_path)
    started = datetime.datetime.now(datetime.timezone.utc)
    folder = _run_folder(Path(state_dir) / "runs", started, scenario.id)
    base = _values(scenario, chosen.values, values or {}, root, device, seed)
    say = stage or _say_nothing
    nothing_yet = SmokeResult(
        scenario=scenario.id,
        size=size,
        device=device,
        ran_on="",
        seed=seed,
        tree_kind=tree_kind,
        passed=False,
        extra_python_path=tuple(extra),
        dart_root=str(root),
        python=python,
        folder=str(folder),
        started_at=started.isoformat(timespec="seconds"),
        why=scenario.why,
        dartenv=dartenv.__version__,
        facts_hash=facts_hash(facts) if facts is not None else None,
    )
    if facts is not None:
        save_facts(facts, folder / "facts.json")
    hidden = no_display(scenario, tree_kind, os.environ)
    if hidden is not None:
        result = msgspec.structs.replace(nothing_yet, skipped=hidden)
        write_result(result, folder)
        return result
    say("copying the tree")
    parents = [Path(cache_dir) / "smoke", Path(tempfile.gettempdir())]
    workspace = make_workspace(root, scenario.mirror, parents)
    kept: Optional[str] = None
    removal: Optional[str] = None
    runs: List[RunRecord] = []
    began = time.monotonic()
    try:
        environment = target_environment(
            {**scenario.env, **scenario.tree_env.get(tree_kind, {}), **(env or {})}, extra
        )
        interpreter = Interpreter(python, environment, workspace.root, folder)
        errors = manifests.read(_FOLDER, "errors", ErrorTable)
        ready = prepare(
            scenario,
            base,
            workspace,
            interpreter,
            errors=errors,
            defaults=manifests.read(_FOLDER, "standins", StandInDefaults),
            cache=Path(cache_dir) / "stand-ins",
            allow_stand_ins=stand_ins,
            tree_kind=tree_kind,
            assets=assets,
            say=say,
        )
        prepared_in = time.monotonic() - began
        ran_on, versions = "", dict(ready.versions)
        if ready.cause is None and scenario.ort is not None:
            step = OrtRun(
                scenario=scenario,
                spec=scenario.ort,
                size=chosen,
                ready=ready,
                root=workspace.root,
                interpreter=interpreter,
                errors=errors,
                device=device,
                seed=seed,
                say=say,
            )
            records, ran_on, found = run_ort(step)
            runs.extend(records)
            versions.update(found)
        elif ready.cause is None:
            for variant in scenario.variants_for(tree_kind):
                say(f"running {scenario.module} {variant.id}".rstrip())
                once = Once(
                    scenario,
                    size,
                    chosen,
                    variant,
                    ready,
                    workspace.root,
                    errors,
                    progress,
                    tree_kind,
                )
                record, seen = run_once(once, interpreter)
                runs.append(record)
                versions.update(seen.versions)
                if seen.cuda is not None:
                    ran_on = "cuda" if seen.cuda and device != "cpu" else "cpu"
        changes = workspace.changed()
    finally:
        if keep:
            kept = str(workspace.root)
        else:
            removal = workspace.remove()
    cause = ready.cause or _after(workspace, changes, device, ran_on)
    result = msgspec.structs.replace(
        nothing_yet,
        ran_on=ran_on,
        passed=cause is None and bool(runs) and all(run.passed for run in runs),
        stand_ins=ready.stand_ins,
        runs=tuple(runs),
        cause=cause,
        tree_changes=changes,
        versions=versions,
        workspace=kept,
        notes=_notes(ready, removal, prepared_in),
    )
    result = with_pictures(result, folder)
    write_result(result, folder)
    return result


def no_display(scenario: Scenario, tree_kind: str, env: Mapping[str, str]) -> Optional[str]:
    """Why the scenario's window cannot be opened here, or ``None``."""
    if tree_kind not in scenario.display or not sys.platform.startswith("linux"):
        return None
    if env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"):
        return None
    return f"no display (DISPLAY is not set); on a server: xvfb-run -a dartenv smoke {scenario.id}"


def with_pictures(result: SmokeResult, folder: Path) -> SmokeResult:
    """The result with pictures of its motion drawn; without Pillow, with a note that says so."""
    from dartenv.smoke.curves import draw_curves
    from dartenv.smoke.pictures import draw, read_motion

    notes: List[str] = []
    runs: List[RunRecord] = []
    for run in result.runs:
        drawn: List[str] = []
        for path in run.motions:
            name = f"{result.scenario}-{Path(path).name.split('.')[0]}"
            label = f"{result.kind.upper()}  {result.scenario} {run.variant}".rstrip()
            label += f"  seed {result.seed}"
            try:
                motion = read_motion(Path(path))
                drawn.extend(str(picture) for picture in draw(motion, label, folder / name))
                drawn.append(str(draw_curves(motion, label, folder / f"{name}-curves.png")))
            except ImportError:
                notes.append("no pictures: pip install dartenv[preview]")
            except (OSError, msgspec.DecodeError, ValueError) as error:
                notes.append(f"no picture of {Path(path).name}: {error}")
        runs.append(msgspec.structs.replace(run, pictures=tuple(drawn)))
    return msgspec.structs.replace(
        result, runs=tuple(runs), notes=(*result.notes, *dict.fromkeys(notes))
    )


def _say_nothing(doing: str) -> None:
    """The stage callback of a caller who has none."""


def _checked(dart_root: str, python: str, device: str) -> Path:
    if device not in DEVICES:
        raise UsageFault(f"device {device!r}", "one of: " + ", ".join(DEVICES))
    if not Path(python).is_absolute() or not Path(python).is_file():
        raise UsageFault(f"{python}: no such interpreter", "the full path of a Python", "--python")
    root = Path(dart_root)
    if not root.is_dir():
        state = "a file" if root.exists() else "no such folder"
        raise UsageFault(f"{dart_root}: {state}", "the root of a DART tree", "--dart-root")
    return root.absolute()


def _extra_path(given: Optional[Sequence[str]]) -> List[str]:
    if given is None:
        given = os.environ.get(PYTHON_PATH_VARIABLE, "").split(os.pathsep)
    return [entry for entry in given if entry]


def _values(
    scenario: Scenario,
    size: Mapping[str, Value],
    given: Mapping[str, Value],
    root: Path,
    device: str,
    seed: int,
) -> Dict[str, Value]:
    """The values known before anything is looked at. Raises UsageFault."""
    values: Dict[str, Value] = {**scenario.values, **size, **given}
    asked = str(given.get("denoiser_checkpoint", scenario.denoiser_checkpoint))
    relative = relative_to(asked, root)
    if relative is None:
        raise UsageFault(f"{asked}: outside {root}", "a checkpoint below the DART root")
    # DART itself takes the CPU when it asks for CUDA and there is none.
    values["device"] = "cpu" if device == "cpu" else "cuda"
    values["seed"] = seed
    values["denoiser_checkpoint"] = f"./{relative}"
    values["checkpoint_stem"] = PurePosixPath(relative).name.split(".")[0]
    return values


def _run_folder(parent: Path, started: datetime.datetime, scenario: str) -> Path:
    """A new folder for this run; two runs in one second get two."""
    stamp = started.strftime("%Y%m%d-%H%M%S")
    for attempt in range(1, 1000):
        name = f"{stamp}-{scenario}" + (f"-{attempt}" if attempt > 1 else "")
        try:
            (parent / name).mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageFault(
                f"{parent / name}: {error.strerror or error}", "a folder to write"
            ) from None
        return parent / name
    raise UsageFault(f"{parent}: a thousand runs in one second")


def _after(
    workspace: Workspace, changes: Sequence[str], device: str, ran_on: str
) -> Optional[Cause]:
    """What can be wrong although the runs were fine."""
    linked = {str(workspace.dart_root.joinpath(*link.split("/"))) for link in workspace.links()}
    for change in changes:
        if any(change.startswith(path + ":") for path in linked):
            return Cause(sentence=f"the run changed the tree: {change}")
    if device == "cuda" and ran_on == "cpu":
        return Cause(
            sentence="CUDA was asked for, and the target's torch sees none: DART took the CPU",
            check="imports.torch",
        )
    return None


def _notes(ready: Prepared, removal: Optional[str], prepared_in: float) -> Tuple[str, ...]:
    notes = [*ready.notes, f"prepared in {prepared_in:.1f} s"]
    if removal:
        notes.append(removal)
    return tuple(notes)
