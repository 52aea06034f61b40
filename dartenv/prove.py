"""Smoke tests of an examined target, as findings of one report."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import msgspec

from dartenv.assets.spec import AssetsSpec
from dartenv.cache import cache_folder
from dartenv.checks.finding import Finding, Status
from dartenv.errors import UsageFault
from dartenv.examine import Request, collected
from dartenv.facts.model import Facts
from dartenv.facts.redact import redact
from dartenv.fixes.lock import state_folder
from dartenv.manifests.loader import Manifests
from dartenv.manifests.schema import Tree
from dartenv.report.model import Report, apply_ignores, exit_code
from dartenv.smoke.api import load_scenario, run_scenario, scenario_ids
from dartenv.smoke.ort_needs import ort_hindrance
from dartenv.smoke.progress import Progress
from dartenv.smoke.result import SmokeResult, to_findings
from dartenv.smoke.scenario import Scenario, Value
from dartenv.target import tree_of

# What has to pass before a run is worth its minutes: without it there is nothing to run.
NEEDED = ("source.root", "python.version")
# Probes that tell a run's machine apart, and take no second.
QUICK_PROBES = ("host", "gpu", "interpreter")


class SmokeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to run: ``names`` empty means every scenario that the tree can run."""

    names: Tuple[str, ...] = ()
    size: str = "quick"
    device: str = "auto"
    seed: int = 0
    stand_ins: bool = True
    keep: bool = False
    time_limit: Optional[float] = None  # seconds for one scenario, where less than its own


def smoke_names(request: Request, options: SmokeOptions) -> Tuple[str, ...]:
    """The scenarios that these options mean, in order."""
    return options.names or scenario_ids(request.manifests)


def run_smokes(
    request: Request,
    options: SmokeOptions,
    progress: Optional[Progress] = None,
    stage: Optional[Callable[[str], None]] = None,
    facts: Optional[Facts] = None,
) -> List[SmokeResult]:
    """Run the scenarios on the target. Raises UsageFault where there is no target.

    ``facts`` of the machine go into the record, without names and secrets; where none are given,
    the quick ones are collected.
    """
    target = request.target
    if target.dart_root is None:
        raise UsageFault(
            "no DART tree was given or found at or above the current folder",
            "the folder that holds mld/ and model/",
            "dartenv smoke --dart-root DIR",
        )
    if target.python is None:
        raise UsageFault(
            "no interpreter was given, and no conda or virtual environment is active",
            "the Python that runs DART",
            "dartenv smoke --python EXE",
        )
    tree = tree_of(request.manifests, Path(target.dart_root))
    results: List[SmokeResult] = []
    facts = redact(facts or collected(request, QUICK_PROBES))
    for name in smoke_names(request, options):
        scenario = load_scenario(name, request.manifests)
        if options.time_limit is not None:
            scenario = _limited(scenario, options.size, tree.kind, options.time_limit)
        reason = ort_hindrance(target.python) if scenario.ort and not options.names else None
        if reason is not None:  # asked for by name, the missing package is a failure
            results.append(_skipped(scenario, options, reason))
            continue
        results.append(
            run_scenario(
                target.dart_root,
                target.python,
                scenario,
                size=options.size,
                device=options.device,
                seed=options.seed,
                state_dir=str(state_folder()),
                cache_dir=str(cache_folder()),
                stand_ins=options.stand_ins,
                keep=options.keep,
                progress=progress,
                stage=stage,
                values=_values(request.manifests, tree),
                assets=_assets(request.manifests, tree),
                tree_kind=tree.kind,
                manifests=request.manifests,
                facts=facts,
            )
        )
    return results


def programs(manifests: Manifests) -> Tuple[str, ...]:
    """The scenarios that run a program of DART's: what `dartenv doctor --smoke` runs."""
    known = scenario_ids(manifests)
    return tuple(name for name in known if load_scenario(name, manifests).ort is None)


def _skipped(scenario: Scenario, options: SmokeOptions, reason: str) -> SmokeResult:
    return SmokeResult(
        scenario=scenario.id,
        why=scenario.why,
        size=options.size,
        device=options.device,
        ran_on="",
        seed=options.seed,
        passed=False,
        skipped=reason,
    )


def with_results(
    report: Report, results: Sequence[SmokeResult], ignores: Mapping[str, str]
) -> Report:
    """``report`` with the results' findings added and the verdict made anew."""
    added: List[Finding] = [item for result in results for item in to_findings(result)]
    kept, ignored = apply_ignores(added, dict(ignores))
    findings = (*report.findings, *kept)
    made: Dict[str, None] = {}
    for result in results:
        made.update(dict.fromkeys(stand_in.id for stand_in in result.stand_ins))
    return msgspec.structs.replace(
        report,
        findings=findings,
        ignored=(*report.ignored, *ignored),
        stand_ins=tuple(made),
        exit_code=exit_code(findings, report.fail_level),
    )


def is_sandbox(request: Request) -> bool:
    """Whether the target is our own small project rather than DART."""
    root = request.target.dart_root
    return root is not None and tree_of(request.manifests, Path(root)).kind == "sandbox"


def hindered(report: Report) -> Optional[Finding]:
    """The finding that makes a run pointless, if there is one."""
    for item in report.findings:
        if item.check in NEEDED and item.status is Status.FAIL:
            return item
    return None


def _limited(scenario: Scenario, size: str, tree: str, seconds: float) -> Scenario:
    """The scenario with no more than ``seconds`` for all that it runs in this kind of tree."""
    chosen = scenario.size(size)
    runs = sum(1 + scenario.repeats(v.id, size) for v in scenario.variants_for(tree))
    each = min(chosen.time_limit, seconds / max(1, runs))
    sizes = {**scenario.sizes, size: msgspec.structs.replace(chosen, time_limit=each)}
    return msgspec.structs.replace(scenario, sizes=sizes)


def _assets(manifests: Manifests, tree: Tree) -> Optional[AssetsSpec]:
    if tree.kind not in manifests.stems("assets"):
        return None
    return manifests.read("assets", tree.kind, AssetsSpec)


def _values(manifests: Manifests, tree: Tree) -> Dict[str, Value]:
    """The checkpoint of this kind of tree, where it is not the scenario's own."""
    spec = _assets(manifests, tree)
    if spec is None or tree.kind == "dart":
        return {}
    for checkpoint in spec.checkpoints:
        if checkpoint.role == "denoiser":
            return {"denoiser_checkpoint": f"./{checkpoint.path}"}
    return {}
