"""Everything before the run: what the target is, what it needs, and what stands in for the rest."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import Callable, Dict, Mapping, Optional, Tuple

import msgspec

from dartenv.assets.spec import AssetsSpec
from dartenv.smoke.mine import Cause, mine, read_tail
from dartenv.smoke.needs import Located, Needed, describe_missing, locate
from dartenv.smoke.runner import Limits
from dartenv.smoke.scenario import ErrorTable, Scenario, StandInDefaults, Value
from dartenv.smoke.standins import Plan, StandIn, plan_stand_ins, prune, stand_ins_of
from dartenv.smoke.target import Interpreter
from dartenv.smoke.workspace import Workspace

_DESCRIBE_LIMITS = Limits(seconds=120.0, memory=4_000_000_000)
_MAKE_LIMITS = Limits(seconds=900.0, memory=8_000_000_000)
_PACKAGES = ("torch", "numpy")


Stage = Callable[[str], None]


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What the describing program answers."""

    python: str
    versions: Dict[str, str] = {}
    value: Optional[str] = None
    problem: Optional[str] = None


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of preparing; with a ``cause`` there is nothing to run."""

    values: Dict[str, Value] = {}
    stand_ins: Tuple[StandIn, ...] = ()
    clip: Optional[Tuple[str, str]] = None  # (name, file) of stand-in CLIP weights
    versions: Dict[str, str] = {}
    cause: Optional[Cause] = None
    notes: Tuple[str, ...] = ()


def prepare(
    scenario: Scenario,
    values: Mapping[str, Value],
    workspace: Workspace,
    interpreter: Interpreter,
    *,
    errors: ErrorTable,
    defaults: StandInDefaults,
    cache: Path,
    allow_stand_ins: bool,
    tree_kind: str,
    assets: Optional[AssetsSpec],
    say: Stage,
) -> Prepared:
    """Fill the workspace so that the scenario can run, or say why it cannot."""
    workspace.mirror_source()
    described, cause = _describe(scenario, interpreter, errors, workspace.root)
    if described is None:
        return Prepared(cause=cause)
    versions = {"python": described.python, **described.versions}
    notes = (f"{scenario.data_paths_module}: {described.problem}",) if described.problem else ()
    needed = locate(
        scenario,
        values,
        workspace.dart_root,
        defaults,
        body_model_dir=described.value,
        tree_kind=tree_kind,
        clip=assets.clip if assets else None,
        stand_in_suffix=assets.stand_in_suffix if assets else ".stand-in",
    )
    if needed.problem:
        cause = Cause(sentence=needed.problem, check=needed.problem_check)
        return Prepared(cause=cause, versions=versions, notes=notes)
    cause = _refused(needed, allow_stand_ins)
    if cause is None:
        cause = _place_own(needed, workspace)
    if cause is not None:
        return Prepared(cause=cause, versions=versions, notes=notes)
    missing = [located for located in needed.files if located.state == "missing"]
    plan = plan_stand_ins(needed, missing, defaults, cache, versions)
    if plan.to_make():
        say("making stand-ins for " + describe_missing([p.located for p in plan.to_make()]))
    cause = _impossible(plan) or _make(plan, interpreter, errors, workspace.root, cache)
    if cause is None:
        _place_stand_ins(plan, workspace)
    marked = [located for located in needed.files if located.state == "marked"]
    made_clip = plan.find("clip")
    return Prepared(
        values=needed.values,
        stand_ins=stand_ins_of(plan, marked),
        clip=(scenario.clip_name, made_clip.cached) if made_clip else None,
        versions=versions,
        cause=cause,
        notes=notes,
    )


def _describe(
    scenario: Scenario, interpreter: Interpreter, errors: ErrorTable, root: Path
) -> Tuple[Optional[Described], Optional[Cause]]:
    request = {
        "packages": _PACKAGES,
        "module": scenario.data_paths_module,
        "name": scenario.data_paths_name,
    }
    outcome, data, log = interpreter.ask("describe", request, _DESCRIBE_LIMITS)
    if data is not None:
        return msgspec.json.decode(data, type=Described), None
    ended = outcome.reason or f"it ended with {outcome.end} {outcome.rc if outcome.rc else ''}"
    cause = mine(read_tail(log), errors, root)
    if cause is None:
        sentence = f"the target interpreter could not be asked: {ended.strip()}"
        cause = Cause(
            sentence=sentence, check="python.version", error=read_tail(log)[-300:].strip()
        )
    return None, cause


def _refused(needed: Needed, allow_stand_ins: bool) -> Optional[Cause]:
    """Files that are there and wrong, and those missing where nothing may stand in."""
    for located in needed.files:
        if located.state == "wrong":
            sentence = f"{located.need.id}: {located.detail}"
            return Cause(sentence=sentence, check=located.need.check, error=located.absolute)
    if allow_stand_ins:
        return None
    absent = [located for located in needed.files if located.state != "present"]
    if not absent:
        return None
    sentence = f"{describe_missing(absent)} would have to be stand-ins, and none are allowed"
    shown = "; ".join(f"{located.absolute}: {located.detail}" for located in absent)
    return Cause(sentence=sentence, check=absent[0].need.check, error=shown)


def _place_own(needed: Needed, workspace: Workspace) -> Optional[Cause]:
    """Bring the tree's own files into the workspace."""
    for located in needed.files:
        if located.state in ("present", "marked") and located.relative is not None:
            try:
                workspace.add(Path(located.absolute), PurePosixPath(located.relative))
            except OSError as error:
                sentence = f"{located.need.id} cannot be read: {error.strerror or error}"
                return Cause(sentence=sentence, check=located.need.check, error=located.absolute)
    return None


def _impossible(plan: Plan) -> Optional[Cause]:
    if not plan.impossible:
        return None
    located, why = plan.impossible[0]
    return Cause(
        sentence=f"{located.need.id} is not there and cannot be stood in for: {why}",
        check=located.need.check,
        error=located.absolute,
    )


def _make(
    plan: Plan, interpreter: Interpreter, errors: ErrorTable, root: Path, cache: Path
) -> Optional[Cause]:
    """Have the target make what the cache does not hold."""
    to_make = plan.to_make()
    if not to_make:
        prune(cache, [planned.cached for planned in plan.files])
        return None
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return Cause(sentence=f"{cache} cannot be made: {error.strerror or error}")
    request = {"files": [planned.item for planned in to_make]}
    outcome, data, log = interpreter.ask("make", request, _MAKE_LIMITS)
    if data is not None:
        prune(cache, [planned.cached for planned in plan.files])
        return None
    cause = mine(read_tail(log), errors, root)
    ended = outcome.reason or f"the making of stand-ins ended with {outcome.end}"
    return cause or Cause(sentence=ended, error=read_tail(log)[-300:].strip())


def _place_stand_ins(plan: Plan, workspace: Workspace) -> None:
    """Copies, never links: a run must not be able to change what the cache keeps."""
    for located, text in plan.texts:
        target = _target(located, workspace)
        target.write_bytes(text.encode("utf-8"))
    for planned in plan.files:
        if planned.located.need.kind != "clip":
            shutil.copyfile(planned.cached, str(_target(planned.located, workspace)))


def _target(located: Located, workspace: Workspace) -> Path:
    assert located.relative is not None
    target = workspace.path(PurePosixPath(located.relative))
    target.parent.mkdir(parents=True, exist_ok=True)
    return target
